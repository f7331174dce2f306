// SPDX-License-Identifier: MIT
/*
 * System calls on descriptors: dup, close, fcntl. The descriptor table keeps the descriptor flags;
 * the operations of the open file do everything else.
 */
#include <linux/close_range.h>
#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"

/* Not in linux/fcntl.h of Linux 6.1. */
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY (F_LINUX_SPECIFIC_BASE + 3)
#endif
#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY (F_LINUX_SPECIFIC_BASE + 4)
#endif

DEFINE_SYSCALL1(close, s32, fd)
{
	struct files *files = current_process()->files;
	struct ofile *f = fdtable_remove(files, fd);

	if (!f)
		return -EBADF;
	file_close(files, f);
	return 0;
}

int files_unshare(void)
{
	struct process *p = current_process();
	struct files *shared = p->files, *own;

	if (__atomic_load_n(&shared->users, __ATOMIC_RELAXED) == 1)
		return 0;
	own = files_dup(shared);
	if (!own)
		return -ENOMEM;
	/* Threads that look at another process hold task_lock. */
	mutex_lock(&task_lock);
	p->files = own;
	mutex_unlock(&task_lock);
	files_put(shared);
	return 0;
}

DEFINE_SYSCALL3(close_range, u32, first, u32, last, u32, flags)
{
	struct files *files = current_process()->files;

	if (first > last || (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int err = files_unshare();

		if (err)
			return err;
		files = current_process()->files;
	}
	for (s32 fd = MIN(first, (u32)FD_LIMIT); (fd = fdtable_next(files, fd)) >= 0; fd++) {
		if ((u32)fd > last)
			break;
		if (flags & CLOSE_RANGE_CLOEXEC)
			fdtable_set_cloexec(files, fd, true);
		else
			file_close(files, fdtable_remove(files, fd));
	}
	return 0;
}

static s64 dup_above(s32 fd, s32 min, bool cloexec)
{
	struct ofile *f = fd_get_any(fd);
	s32 copy;

	if (!f)
		return -EBADF;
	copy = fd_install(f, min, cloexec);
	if (copy < 0)
		ofile_put(f);
	return copy;
}

static s64 dup_to(s32 fd, s32 to, bool cloexec)
{
	struct process *p = current_process();
	struct ofile *f, *old;
	int err;

	if (to < 0 || (u64)to >= p->rlimit[RLIMIT_NOFILE].cur)
		return -EBADF;
	f = fd_get_any(fd);
	if (!f)
		return -EBADF;
	err = fdtable_replace(p->files, to, f, cloexec, &old);
	if (err) {
		ofile_put(f);
		return err;
	}
	file_close(p->files, old);
	return to;
}

DEFINE_SYSCALL1(dup, s32, fd)
{
	return dup_above(fd, 0, false);
}

DEFINE_SYSCALL2(dup2, s32, fd, s32, to)
{
	struct ofile *f;

	if (fd != to)
		return dup_to(fd, to, false);
	f = fd_get_any(fd);
	ofile_put(f);
	return f ? to : -EBADF;
}

DEFINE_SYSCALL3(dup3, s32, fd, s32, to, u32, flags)
{
	if (fd == to || (flags & ~O_CLOEXEC))
		return -EINVAL;
	return dup_to(fd, to, flags & O_CLOEXEC);
}

static s64 fcntl_lock(struct ofile *f, s32 fd, u32 cmd, uva arg)
{
	struct flock lock;
	s64 r;

	r = get_user(&lock, arg);
	if (r < 0)
		return r;
	r = record_lock(f, fd, cmd, &lock);
	if (r >= 0 && (cmd == F_GETLK || cmd == F_OFD_GETLK))
		r = put_user(lock, arg);
	return r;
}

/* F_SETLEASE and F_NOTIFY, after which the file may send signals. */
static s64 fcntl_watch(struct ofile *f, s32 fd, u32 cmd, u64 arg)
{
	bool on = cmd == F_SETLEASE ? arg != F_UNLCK : arg != 0;
	s64 r = on ? async_lease(f, fd, true) : 0;

	if (r >= 0)
		r = ofile_fcntl(f, cmd, arg);
	if (r >= 0 && !on)
		async_lease(f, fd, false);
	return r;
}

/* Hints on the lifetime of data. arg points to the program's u64; the hostcall passes its value. */
static s64 fcntl_hint(struct ofile *f, u32 cmd, uva arg)
{
	bool set = cmd == F_SET_RW_HINT || cmd == F_SET_FILE_RW_HINT;
	u64 hint = 0;
	s64 r;

	if (set && get_user(&hint, arg))
		return -EFAULT;
	if (set && hint > RWH_WRITE_LIFE_EXTREME)
		return -EINVAL;
	r = ofile_fcntl(f, cmd, hint);
	if (r < 0)
		return r;
	return set ? 0 : put_user((u64)r, arg);
}

/* F_DUPFD_QUERY: returns 1 if fd names f, too. */
static s64 same_file(const struct ofile *f, s32 fd)
{
	struct ofile *other = fd_get_any(fd);
	s64 r = other ? other == f : -EBADF;

	ofile_put(other);
	return r;
}

static s64 fcntl_file(struct ofile *f, s32 fd, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_GETFL:
		return ofile_get_flags(f);
	case F_SETFL:
		return ofile_set_flags(f, fd, arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(f, fd, cmd, arg);
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
	case F_ADD_SEALS:
	case F_GET_SEALS:
	case F_GETLEASE:
	case F_CREATED_QUERY:
		return ofile_fcntl(f, cmd, arg);
	case F_SETLEASE:
	case F_NOTIFY:
		return fcntl_watch(f, fd, cmd, arg);
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
	case F_GET_FILE_RW_HINT:
	case F_SET_FILE_RW_HINT:
		return fcntl_hint(f, cmd, arg);
	case F_DUPFD_QUERY:
		return same_file(f, (s32)arg);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return async_fcntl(f, cmd, arg);
	default:
		return -EINVAL;
	}
}

DEFINE_SYSCALL3(fcntl, s32, fd, u32, cmd, u64, arg)
{
	struct files *files = current_process()->files;
	struct ofile *f;
	s64 r;

	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return dup_above(fd, arg > FD_LIMIT ? -1 : (s32)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fdtable_get_cloexec(files, fd);
	case F_SETFD:
		return fdtable_set_cloexec(files, fd, arg & FD_CLOEXEC);
	}
	/* Linux's check_fcntl_cmd: what a descriptor of O_PATH takes. */
	if (cmd == F_GETFL || cmd == F_DUPFD_QUERY || cmd == F_CREATED_QUERY)
		f = fd_get_any(fd);
	else
		f = fd_get(fd);
	if (!f)
		return -EBADF;
	r = fcntl_file(f, fd, cmd, arg);
	ofile_put(f);
	return r;
}

DEFINE_SYSCALL2(flock, s32, fd, u32, operation)
{
	const u32 kind = operation & ~(u32)LOCK_NB;

	if (operation & LOCK_MAND)
		return 0; /* Linux takes the mandatory locks that it had, and does nothing */
	if (kind != LOCK_SH && kind != LOCK_EX && kind != LOCK_UN)
		return -EINVAL;
	return WITH_FD(h, fd, fs_restart(hc_flock(h, operation)));
}
