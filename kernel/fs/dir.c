// SPDX-License-Identifier: MIT
/* Reading directories: the host's entries, or those of our /proc. */
#include <linux/fs.h>
#include "kernel/fs/fs.h"

#define DENTS_MAX 12288 /* bytes of entries per hostcall */
#define ENTRY_MAX 280	/* bytes of an entry whose name has 255 */

struct dirent64 {
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[];
};

/* The entry of getdents(2): the type is the last byte, after the name's NUL and padding. */
struct dirent_old {
	u64 ino;
	s64 off;
	u16 reclen;
	char name[];
};

/*
 * Converts the entries to the layout of getdents(2), in place. The lengths do not change: the old
 * header is one byte shorter, and the type takes one byte at the end.
 */
static void to_old_layout(char *buf, u64 len)
{
	for (u64 at = 0; at < len;) {
		struct dirent64 *d = (void *)(buf + at);
		struct dirent_old *old = (void *)d;
		u8 type = d->type;

		at += d->reclen;
		memmove(old->name, d->name, strlen(d->name) + 1);
		buf[at - 1] = type;
	}
}

/*
 * Copies those of the entries that fit the writable part of the program's buffer, and goes back to
 * the first of the others, or to start if there is none that fits. Returns the bytes or -EFAULT.
 */
static s64 copy_some(struct ofile *f, uva out, const char *buf, s64 len, s64 start, bool old)
{
	s64 done = 0, next = start;

	while (done < len) {
		/* Both layouts begin alike. */
		const struct dirent64 *d = (const void *)(buf + done);

		/* What only pads an entry needs no memory. The old layout ends with the type. */
		u64 bytes = old ? d->reclen : offsetof(struct dirent64, name) + strlen(d->name) + 1;

		if (copy_to_user(out + (u64)done, d, bytes) < 0)
			break;
		done += d->reclen;
		next = d->off;
	}
	ofile_seek(f, next, SEEK_SET);
	return done ? done : -EFAULT;
}

static s64 getdents(s32 fd, uva out, u32 size, bool old)
{
	struct ofile *f = fd_get(fd);
	char *buf = kmalloc(DENTS_MAX);
	s64 r = -EBADF, start = 0;

	/* Where to go back to if not even one entry can be stored. */
	if (f && !user_writable(out, MIN(size, (u32)ENTRY_MAX)))
		start = ofile_seek(f, 0, SEEK_CUR);
	if (f)
		r = buf ? ofile_getdents(f, buf, MIN(size, (u32)DENTS_MAX)) : -ENOMEM;
	if (r > 0) {
		if (old)
			to_old_layout(buf, r);
		if (copy_to_user(out, buf, r) < 0)
			r = copy_some(f, out, buf, r, start, old);
	}
	ofile_put(f);
	kfree(buf);
	return r;
}

DEFINE_SYSCALL3(getdents64, s32, fd, uva, out, u32, size)
{
	return getdents(fd, out, size, false);
}

DEFINE_SYSCALL3(getdents, s32, fd, uva, out, u32, size)
{
	return getdents(fd, out, size, true);
}
