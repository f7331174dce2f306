// SPDX-License-Identifier: MIT
/* System calls that make host files without a name: memory files, inotify. */
#include <linux/inotify.h>
#include <linux/memfd.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"

/* IN_CLOEXEC is O_CLOEXEC: inotify_init(2). */

DEFINE_SYSCALL2(memfd_create, uva, user_name, u32, flags)
{
	char name[256]; /* memfd_create(2) allows 249 bytes; the host checks that */
	s64 r = strncpy_from_user(name, user_name, sizeof(name));

	if (r < 0)
		return r == -ENAMETOOLONG ? -EINVAL : r;
	return fd_new(fs_nointr(hc_memfd_create(name, flags)), O_RDWR, flags & MFD_CLOEXEC);
}

/* Linux's ALL_INOTIFY_BITS: a mask has one of these at least. */
#define INOTIFY_BITS                                                                               \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW |   \
	 IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | IN_ONESHOT)

DEFINE_SYSCALL1(inotify_init1, u32, flags)
{
	s32 fd = (s32)fd_new(fs_nointr(hc_inotify_init1(flags)), O_RDONLY, flags & O_CLOEXEC);
	struct ofile *f = fd < 0 ? NULL : fd_get(fd);

	if (f)
		host_file_of(f)->records = true;
	ofile_put(f);
	return fd;
}

DEFINE_SYSCALL0(inotify_init)
{
	return do_inotify_init1(0);
}

DEFINE_SYSCALL3(inotify_add_watch, s32, fd, uva, path, u32, mask)
{
	int at = mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0;

	if (!(mask & INOTIFY_BITS))
		return -EINVAL;
	return WITH_FD(
		h, fd,
		WITH_PATH(p, AT_FDCWD, path, at, hc_inotify_add_watch(h, p.dir, p.path, mask)));
}

DEFINE_SYSCALL2(inotify_rm_watch, s32, fd, s32, wd)
{
	return WITH_FD(h, fd, fs_nointr(hc_inotify_rm_watch(h, wd)));
}
