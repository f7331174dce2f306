// SPDX-License-Identifier: MIT
/* System calls that make, change and remove names, on the host only: -EPERM for our /proc. */
#include "kernel/fs/fs.h"

DEFINE_SYSCALL3(mkdirat, s32, dirfd, uva, path, u32, mode)
{
	return WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW,
			 hc_mkdirat(p.dir, p.path, fs_masked(mode)));
}

DEFINE_SYSCALL2(mkdir, uva, path, u32, mode)
{
	return do_mkdirat(AT_FDCWD, path, mode);
}

DEFINE_SYSCALL4(mknodat, s32, dirfd, uva, path, u32, mode, u32, dev)
{
	return WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW,
			 hc_mknodat(p.dir, p.path, (mode & S_IFMT) | fs_masked(mode), dev));
}

DEFINE_SYSCALL3(mknod, uva, path, u32, mode, u32, dev)
{
	return do_mknodat(AT_FDCWD, path, mode, dev);
}

DEFINE_SYSCALL3(unlinkat, s32, dirfd, uva, path, u32, flags)
{
	return WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW, hc_unlinkat(p.dir, p.path, flags));
}

DEFINE_SYSCALL1(unlink, uva, path)
{
	return do_unlinkat(AT_FDCWD, path, 0);
}

DEFINE_SYSCALL1(rmdir, uva, path)
{
	return do_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

DEFINE_SYSCALL5(renameat2, s32, olddir, uva, oldpath, s32, newdir, uva, newpath, u32, flags)
{
	return WITH_PATH(p, olddir, oldpath, AT_SYMLINK_NOFOLLOW,
			 WITH_PATH(q, newdir, newpath, AT_SYMLINK_NOFOLLOW,
				   hc_renameat2(p.dir, p.path, q.dir, q.path, flags)));
}

DEFINE_SYSCALL4(renameat, s32, olddir, uva, oldpath, s32, newdir, uva, newpath)
{
	return do_renameat2(olddir, oldpath, newdir, newpath, 0);
}

DEFINE_SYSCALL2(rename, uva, oldpath, uva, newpath)
{
	return do_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

DEFINE_SYSCALL5(linkat, s32, olddir, uva, oldpath, s32, newdir, uva, newpath, u32, flags)
{
	int at = PATH_BY_HANDLE | (flags & AT_EMPTY_PATH);

	if (!(flags & AT_SYMLINK_FOLLOW))
		at |= AT_SYMLINK_NOFOLLOW;
	/* path_get_host follows /proc/self/fd/N of an O_TMPFILE file (open(2)), hence p.at. */
	return WITH_PATH(p, olddir, oldpath, at,
			 WITH_PATH(q, newdir, newpath, AT_SYMLINK_NOFOLLOW,
				   hc_linkat(p.dir, p.path, q.dir, q.path, flags | p.at)));
}

DEFINE_SYSCALL2(link, uva, oldpath, uva, newpath)
{
	return do_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

DEFINE_SYSCALL3(symlinkat, uva, target, s32, dirfd, uva, path)
{
	char *text = kmalloc(HOSTCALL_PATH_MAX);
	s64 r;

	if (!text)
		return -ENOMEM;
	r = strncpy_from_user(text, target, HOSTCALL_PATH_MAX);
	if (r >= 0)
		r = WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW,
			      hc_symlinkat(text, p.dir, p.path));
	kfree(text);
	return r;
}

DEFINE_SYSCALL2(symlink, uva, target, uva, path)
{
	return do_symlinkat(target, AT_FDCWD, path);
}
