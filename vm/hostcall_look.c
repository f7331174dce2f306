// SPDX-License-Identifier: MIT
/*
 * Several questions about names in one hostcall (struct hostcall_look). Each is made as the
 * hostcall for it alone would make it: what that is checked for, the handle and the NUL, is checked
 * here. Nothing is changed by any of them. A handle to close is closed first, whatever comes then.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "vm/handle.h"
#include "vm/hostcall.h"

/* Room that is left for one answer's data. */
struct room {
	u8 *data;
	u32 size;
};

/* The answer to one question; -EINTR also where its data does not fit. */
static struct hostcall_seen answer(int dir, u8 kind, const char *path, const struct room *room)
{
	struct hostcall_seen seen = {.result = -EINTR};
	struct stat st;

	switch (kind) {
	case HOSTCALL_LOOK_LINK:
		if (room->size == 0)
			break;
		seen.result = (s32)host_readlink(dir, path, (char *)room->data,
						 MIN(room->size, (u32)HOSTCALL_PATH_MAX));
		if (seen.result >= (s32)room->size)
			seen.result = -EINTR; /* may be cut short */
		else if (seen.result > 0)
			seen.len = (u32)seen.result;
		break;
	case HOSTCALL_LOOK_STAT:
	case HOSTCALL_LOOK_LSTAT:
	case HOSTCALL_LOOK_THERE:
		memset(&st, 0, sizeof(st));
		seen.result = (s32)HOST_CALL(newfstatat, (u64)dir, (u64)path, (u64)&st,
					     kind == HOSTCALL_LOOK_LSTAT ? AT_SYMLINK_NOFOLLOW : 0);
		if (seen.result < 0 || kind == HOSTCALL_LOOK_THERE)
			break;
		if (room->size < sizeof(st)) {
			seen.result = -EINTR;
			break;
		}
		memcpy(room->data, &st, sizeof(st));
		seen.len = sizeof(st);
		break;
	default:
		seen.result = (s32)HOST_CALL(faccessat2, (u64)dir, (u64)path,
					     (u64)(kind - HOSTCALL_LOOK_ACCESS), AT_EACCESS);
		break;
	}
	return seen;
}

s64 hc_do_look(struct call *c, int dir, int closes, const void *asked, u32 asked_len, void *seen,
	       u32 seen_len)
{
	u32 used = 0;
	s64 count = 0;

	c->out_bytes = 0;
	if (closes >= 0) {
		c->held--; /* its reference, the last that was taken, is handle_close's now */
		handle_close(closes);
	}
	for (u32 at = 0; at < asked_len;) {
		const u8 *from = (const u8 *)asked + at;
		const char *path = (const char *)from + sizeof(struct hostcall_look);
		struct hostcall_look q;
		struct hostcall_seen a;
		struct room room;

		if (asked_len - at < sizeof(q))
			return -EINVAL;
		memcpy(&q, from, sizeof(q));
		if (q.size <= sizeof(q) || q.size % HOSTCALL_LOOK_ALIGN != 0 ||
		    q.size > asked_len - at || q.kind >= HOSTCALL_LOOK_KINDS ||
		    !memchr(path, '\0', q.size - sizeof(q)))
			return -EINVAL;
		at += q.size;

		if (seen_len - used < sizeof(a))
			break;
		room.data = (u8 *)seen + used + sizeof(a);
		room.size = seen_len - used - (u32)sizeof(a);
		a = answer(dir, q.kind, path, &room);
		if (a.result == -EINTR)
			break;
		memcpy((u8 *)seen + used, &a, sizeof(a));
		used = ALIGN_UP(used + (u32)sizeof(a) + a.len, HOSTCALL_LOOK_ALIGN);
		used = MIN(used, seen_len);
		count++;
	}
	c->out_bytes = used;
	return count;
}
