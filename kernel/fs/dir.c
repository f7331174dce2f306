// SPDX-License-Identifier: MIT
/* Reading directories: the host's entries, or those of our /proc. */
#include "kernel/fs/fs.h"

#define DENTS_MAX 12288 /* bytes of entries per hostcall */

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

static s64 getdents(s32 fd, uva out, u32 size, bool old)
{
	struct ofile *f = fd_get(fd);
	char *buf = kmalloc(DENTS_MAX);
	s64 r = -EBADF;

	if (f)
		r = buf ? ofile_getdents(f, buf, MIN(size, (u32)DENTS_MAX)) : -ENOMEM;
	ofile_put(f);
	if (r > 0) {
		if (old)
			to_old_layout(buf, r);
		if (copy_to_user(out, buf, r) < 0)
			r = -EFAULT;
	}
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
