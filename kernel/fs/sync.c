// SPDX-License-Identifier: MIT
/* System calls that flush files, and system calls that announce how a file will be used. */
#include "kernel/fs/fs.h"

static s64 sync_file(s32 fd, bool data_only)
{
	struct ofile *f = fd_get(fd);
	s64 r = -EBADF;

	if (f)
		r = ofile_sync(f, data_only);
	ofile_put(f);
	return r;
}

DEFINE_SYSCALL1(fsync, s32, fd)
{
	return sync_file(fd, false);
}

DEFINE_SYSCALL1(fdatasync, s32, fd)
{
	return sync_file(fd, true);
}

DEFINE_SYSCALL1(syncfs, s32, fd)
{
	return WITH_FD(h, fd, fs_nointr(hc_syncfs(h)));
}

DEFINE_SYSCALL0(sync)
{
	return fs_nointr(hc_sync(HC_NONE));
}

DEFINE_SYSCALL4(sync_file_range, s32, fd, s64, offset, s64, len, u32, flags)
{
	return WITH_FD(h, fd, fs_nointr(hc_sync_file_range(h, offset, len, flags)));
}

DEFINE_SYSCALL4(fadvise64, s32, fd, s64, offset, s64, len, u32, advice)
{
	struct ofile *f = fd_get(fd);
	s64 r = -EBADF;

	/* Filters give advice on standard input. A pipe does not move to the host for that. */
	if (f && f->handle < 0 && ofile_type(f) == S_IFIFO)
		r = -ESPIPE;
	else if (f)
		r = ofile_handle(f);
	if (r >= 0)
		r = fs_nointr(hc_fadvise64((s32)r, offset, len, advice));
	ofile_put(f);
	return r;
}

DEFINE_SYSCALL3(readahead, s32, fd, s64, offset, u64, len)
{
	return WITH_FD(h, fd, fs_nointr(hc_readahead(h, offset, len)));
}
