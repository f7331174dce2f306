// SPDX-License-Identifier: MIT
/*
 * A lookup batch: several path lookups in one hostcall (struct hostcall_lookup). Each lookup is
 * made as its own hostcall would make it; this file makes the checks that the marshalling would
 * make, of the handle and of the path's NUL. No lookup changes anything. If there is a handle to
 * close, it is closed first, even if a lookup is malformed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "vm/handle.h"
#include "vm/hostcall.h"

/* The space for one answer's data. */
struct space {
	u8 *data;
	u32 size;
};

/* Makes one lookup and returns its answer; .result is -EINTR also if its data does not fit. */
static struct hostcall_lookup_answer look_up(const struct lookup_ops *ops, int dir, u8 kind,
					     const char *path, const struct space *space)
{
	struct hostcall_lookup_answer a = {.result = -EINTR};
	struct stat st;

	switch (kind) {
	case HOSTCALL_LOOKUP_LINK:
		if (space->size == 0)
			break;
		a.result = (s32)ops->readlink(dir, path, (char *)space->data,
					      MIN(space->size, (u32)HOSTCALL_PATH_MAX));
		if (a.result >= (s32)space->size)
			a.result = -EINTR; /* the target may be truncated */
		else if (a.result > 0)
			a.len = (u32)a.result;
		break;
	case HOSTCALL_LOOKUP_STAT:
	case HOSTCALL_LOOKUP_LSTAT:
	case HOSTCALL_LOOKUP_EXISTS:
		memset(&st, 0, sizeof(st));
		a.result = (s32)ops->stat(dir, path, &st,
					  kind == HOSTCALL_LOOKUP_LSTAT ? AT_SYMLINK_NOFOLLOW : 0);
		if (a.result < 0 || kind == HOSTCALL_LOOKUP_EXISTS)
			break;
		if (space->size < sizeof(st)) {
			a.result = -EINTR;
			break;
		}
		memcpy(space->data, &st, sizeof(st));
		a.len = sizeof(st);
		break;
	default:
		a.result = (s32)ops->access(dir, path, (u64)(kind - HOSTCALL_LOOKUP_ACCESS),
					    AT_EACCESS);
		break;
	}
	return a;
}

s64 hostcall_lookup_batch(struct call *c, const struct lookup_ops *ops, int dir, int closes,
			  const void *lookups, u32 lookups_len, void *answers, u32 answers_len)
{
	u32 used = 0;
	s64 count = 0;

	c->out_bytes = 0;
	if (closes >= 0) {
		c->held--; /* handle_close drops its reference, which was the last one taken */
		handle_close(closes);
	}
	for (u32 at = 0; at < lookups_len;) {
		const u8 *from = (const u8 *)lookups + at;
		const char *path = (const char *)from + sizeof(struct hostcall_lookup);
		struct hostcall_lookup q;
		struct hostcall_lookup_answer a;
		struct space space;

		if (lookups_len - at < sizeof(q))
			return -EINVAL;
		memcpy(&q, from, sizeof(q));
		if (q.size <= sizeof(q) || q.size % HOSTCALL_LOOKUP_ALIGN != 0 ||
		    q.size > lookups_len - at || q.kind >= HOSTCALL_LOOKUP_KINDS ||
		    !memchr(path, '\0', q.size - sizeof(q)))
			return -EINVAL;
		at += q.size;

		if (answers_len - used < sizeof(a))
			break;
		space.data = (u8 *)answers + used + sizeof(a);
		space.size = answers_len - used - (u32)sizeof(a);
		a = look_up(ops, dir, q.kind, path, &space);
		if (a.result == -EINTR)
			break;
		memcpy((u8 *)answers + used, &a, sizeof(a));
		used = ALIGN_UP(used + (u32)sizeof(a) + a.len, HOSTCALL_LOOKUP_ALIGN);
		used = MIN(used, answers_len);
		count++;
	}
	c->out_bytes = used;
	return count;
}

static s64 host_stat(int dir, const char *path, void *st, u64 flags)
{
	return HOST_CALL(newfstatat, (u64)dir, (u64)path, (u64)st, flags);
}

static s64 host_access(int dir, const char *path, u64 mode, u64 flags)
{
	return HOST_CALL(faccessat2, (u64)dir, (u64)path, mode, flags);
}

s64 hc_do_lookup(struct call *c, int dir, int closes, const void *lookups, u32 lookups_len,
		 void *answers, u32 answers_len)
{
	static const struct lookup_ops ops = {host_readlink, host_stat, host_access};

	return hostcall_lookup_batch(c, &ops, dir, closes, lookups, lookups_len, answers,
				     answers_len);
}
