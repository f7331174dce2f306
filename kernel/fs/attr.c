// SPDX-License-Identifier: MIT
/* System calls that read or change the attributes of a name or an open file. */
#include <linux/falloc.h>
#include <linux/time_types.h>
#include "kernel/fs/busy.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/fs/mapping.h"
#include "kernel/mm/mm.h"

/* -- stat family ---------------------------------------------------------------------------- */

/* Returns the kernel's own name that p is, or by which p's open file was opened; else NULL. */
static const struct pseudo_node *pseudo_node_of(const struct fs_path *p)
{
	if (p->kind == PATH_PSEUDO)
		return &p->node;
	return p->kind == PATH_FILE ? ofile_node(p->hold) : NULL;
}

/* path_get, but with AT_EMPTY_PATH a null pointer is an empty path, too: statx(2). */
static int path_get_or_empty(struct fs_path *p, s32 dirfd, uva path, int at)
{
	return !path && at & AT_EMPTY_PATH ? path_get_kernel(p, dirfd, "", at)
					   : path_get(p, dirfd, path, at);
}

static s64 path_stat(s32 dirfd, uva path, int flags, struct stat *st)
{
	u8 kind = flags ? HOSTCALL_LOOKUP_LSTAT : HOSTCALL_LOOKUP_STAT;
	struct fs_path p;
	s64 r = path_get_or_empty(&p, dirfd, path, flags);

	if (r < 0)
		return r;
	if (p.kind == PATH_FILE) {
		r = ofile_stat(p.hold, st);
	} else if (p.kind == PATH_PSEUDO) {
		r = p.node.fs->stat(&p.node, st);
	} else if ((flags | p.at) & ~AT_SYMLINK_NOFOLLOW) {
		r = hc_newfstatat(p.dir, p.path, st, sizeof(*st), flags | p.at);
	} else if (!path_prefetch(&p, kind, st, sizeof(*st), &r)) {
		r = hc_newfstatat(p.dir, p.path, st, sizeof(*st), flags | p.at);
		path_prefetch_answered(&p, kind, st, sizeof(*st), r);
	}
	path_put(&p);
	return fs_nointr(r);
}

static s64 stat_result(s64 r, const struct stat *st, uva out)
{
	return r < 0 ? r : copy_to_user(out, st, sizeof(*st));
}

static s64 fd_stat(s32 fd, struct stat *st)
{
	struct ofile *f = fd_get_any(fd);
	s64 r = -EBADF;

	if (f)
		r = path_prefetch_fstat(f, st) ? 0 : fs_nointr(ofile_stat(f, st));
	ofile_put(f);
	return r;
}

DEFINE_SYSCALL2(fstat, s32, fd, uva, out)
{
	struct stat st;

	return stat_result(fd_stat(fd, &st), &st, out);
}

DEFINE_SYSCALL4(newfstatat, s32, dirfd, uva, path, uva, out, u32, flags)
{
	struct stat st;
	char first;

	/* glibc calls fstat so: avoid the work on names. */
	if (flags == AT_EMPTY_PATH && dirfd >= 0 && get_user(&first, path) == 0 && !first)
		return stat_result(fd_stat(dirfd, &st), &st, out);
	return stat_result(path_stat(dirfd, path, flags, &st), &st, out);
}

DEFINE_SYSCALL2(stat, uva, path, uva, out)
{
	struct stat st;

	return stat_result(path_stat(AT_FDCWD, path, 0, &st), &st, out);
}

DEFINE_SYSCALL2(lstat, uva, path, uva, out)
{
	struct stat st;

	return stat_result(path_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st), &st, out);
}

static struct statx_timestamp statx_time(u64 seconds, u64 nanoseconds)
{
	return (struct statx_timestamp){.tv_sec = (s64)seconds, .tv_nsec = (u32)nanoseconds};
}

/* statx(2) of a file whose kind has its own .stat. */
static s64 statx_of_file(struct ofile *f, u32 flags, u32 mask, struct statx *stx)
{
	struct stat st;
	s64 r;

	if (mask & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	r = ofile_stat(f, &st);
	if (r < 0)
		return r;
	*stx = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_attributes_mask =
			STATX_ATTR_AUTOMOUNT | STATX_ATTR_MOUNT_ROOT | STATX_ATTR_DAX,
		.stx_blksize = (u32)st.st_blksize,
		.stx_nlink = (u32)st.st_nlink,
		.stx_uid = st.st_uid,
		.stx_gid = st.st_gid,
		.stx_mode = (u16)st.st_mode,
		.stx_ino = st.st_ino,
		.stx_size = (u64)st.st_size,
		.stx_blocks = (u64)st.st_blocks,
		.stx_atime = statx_time(st.st_atime, st.st_atime_nsec),
		.stx_mtime = statx_time(st.st_mtime, st.st_mtime_nsec),
		.stx_ctime = statx_time(st.st_ctime, st.st_ctime_nsec),
		/* Split as by major(3) and minor(3), for numbers below 2^32. */
		.stx_dev_major = (u32)(st.st_dev >> 8 & 0xfff),
		.stx_dev_minor = (u32)((st.st_dev & 0xff) | (st.st_dev >> 12 & 0xfff00)),
	};
	return 0;
}

DEFINE_SYSCALL5(statx, s32, dirfd, uva, path, u32, flags, u32, mask, uva, out)
{
	const struct pseudo_node *node;
	struct statx stx;
	struct fs_path p;
	s64 r;

	r = path_get_or_empty(&p, dirfd, path, (int)flags);
	if (r < 0)
		return r;
	node = pseudo_node_of(&p);
	if (node) {
		r = node->fs->statx(node, mask, &stx);
	} else if (p.kind == PATH_FILE && ofile_has_stat(p.hold)) {
		r = statx_of_file(p.hold, flags, mask, &stx);
	} else {
		r = hc_statx(p.dir, p.path, flags | p.at, mask, &stx, sizeof(stx));
	}
	path_put(&p);
	return r < 0 ? fs_nointr(r) : copy_to_user(out, &stx, sizeof(stx));
}

/* -- access, readlink ------------------------------------------------------------------------ */

DEFINE_SYSCALL4(faccessat2, s32, dirfd, uva, path, u32, mode, u32, flags)
{
	const struct pseudo_node *node;
	struct fs_path p;
	int view = flags & AT_EACCESS ? 0 : creds_access_begin();
	s64 r = view < 0 ? view : path_get(&p, dirfd, path, flags);

	if (r < 0)
		goto out;
	node = pseudo_node_of(&p);
	/*
	 * The host thread has the identity to be checked as its effective one, hence AT_EACCESS.
	 * Without it, the host would check the thread's real user, and with capabilities that the
	 * program has dropped.
	 */
	if (node)
		r = node->fs->access(node, mode);
	else if (path_to_host(&p) < 0)
		r = -EBADF;
	else if (view || flags | p.at || mode > 7 ||
		 !path_prefetch(&p, HOSTCALL_LOOKUP_ACCESS + mode, NULL, 0, &r))
		r = hc_faccessat2(p.dir, p.path, mode, flags | p.at | AT_EACCESS);
	path_put(&p);
	r = fs_nointr(r);
out:
	if (view > 0)
		creds_access_end();
	return r;
}

DEFINE_SYSCALL3(faccessat, s32, dirfd, uva, path, u32, mode)
{
	return do_faccessat2(dirfd, path, mode, 0);
}

DEFINE_SYSCALL2(access, uva, path, u32, mode)
{
	return do_faccessat2(AT_FDCWD, path, mode, 0);
}

/* readlink(2) of a name of the kernel's own. empty: its path was empty. */
static s64 pseudo_link(const struct pseudo_node *node, char *text, bool empty)
{
	s64 n;

	if (!node->fs->is_link(node))
		return empty ? -ENOENT : -EINVAL;
	n = node->fs->readlink(node, text, HOSTCALL_PATH_MAX);
	/* The names of files are those below the reader's root. */
	if (n > 0 && n < HOSTCALL_PATH_MAX && *text == '/' && root_is_own())
		n = root_shown(text, n);
	return n;
}

DEFINE_SYSCALL4(readlinkat, s32, dirfd, uva, path, uva, out, s32, size)
{
	const struct pseudo_node *node;
	struct fs_path p;
	char *text;
	s64 r;

	if (size <= 0)
		return -EINVAL;
	/* An empty name stands for dirfd itself, opened with O_PATH | O_NOFOLLOW: readlink(2). */
	r = path_get(&p, dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
	if (r < 0)
		return r;
	text = kmalloc(HOSTCALL_PATH_MAX);
	node = pseudo_node_of(&p);
	if (!text)
		r = -ENOMEM;
	else if (path_to_host(&p) < 0)
		r = -EBADF;
	else if (node)
		r = pseudo_link(node, text, p.kind == PATH_FILE);
	else if (!path_prefetch(&p, HOSTCALL_LOOKUP_LINK, text, HOSTCALL_PATH_MAX, &r))
		r = hc_readlinkat(p.dir, p.path, text, HOSTCALL_PATH_MAX, HC_NONE);
	path_put(&p);
	if (r >= 0) {
		r = MIN(r, size);
		r = copy_to_user(out, text, r) < 0 ? -EFAULT : r;
	}
	kfree(text);
	return fs_nointr(r);
}

DEFINE_SYSCALL3(readlink, uva, path, uva, out, s32, size)
{
	return do_readlinkat(AT_FDCWD, path, out, size);
}

/* -- Mode and owner -------------------------------------------------------------------------- */

DEFINE_SYSCALL3(fchmodat, s32, dirfd, uva, path, u32, mode)
{
	return WITH_PATH(p, dirfd, path, 0, hc_fchmodat(p.dir, p.path, mode));
}

DEFINE_SYSCALL4(fchmodat2, s32, dirfd, uva, path, u32, mode, u32, flags)
{
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return WITH_PATH(
		p, dirfd, path, (int)flags | PATH_BY_HANDLE,
		hc_fchmodat2(p.dir, p.path, mode, (flags & AT_SYMLINK_NOFOLLOW) | (u32)p.at));
}

DEFINE_SYSCALL2(chmod, uva, path, u32, mode)
{
	return do_fchmodat(AT_FDCWD, path, mode);
}

DEFINE_SYSCALL2(fchmod, s32, fd, u32, mode)
{
	return WITH_FD(h, fd, fs_nointr(hc_fchmod(h, mode)));
}

DEFINE_SYSCALL5(fchownat, s32, dirfd, uva, path, u32, uid, u32, gid, u32, flags)
{
	return WITH_PATH(p, dirfd, path, flags | PATH_BY_HANDLE,
			 hc_fchownat(p.dir, p.path, uid, gid, flags | p.at));
}

DEFINE_SYSCALL3(chown, uva, path, u32, uid, u32, gid)
{
	return do_fchownat(AT_FDCWD, path, uid, gid, 0);
}

DEFINE_SYSCALL3(lchown, uva, path, u32, uid, u32, gid)
{
	return do_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

DEFINE_SYSCALL3(fchown, s32, fd, u32, uid, u32, gid)
{
	return WITH_FD(h, fd, fs_nointr(hc_fchown(h, uid, gid)));
}

/* -- Times ----------------------------------------------------------------------------------- */

#define UTIME_OMIT ((1L << 30) - 2) /* utimensat(2): this time stays */

/* times NULL: the current time. path 0: the file is dirfd, as in utimensat(2) and futimesat(2). */
static s64 set_times(s32 dirfd, uva path, const struct __kernel_timespec *times, u32 flags)
{
	u32 len = times ? 2 * sizeof(*times) : 0;

	if (!path && dirfd != AT_FDCWD)
		return flags ? -EINVAL : WITH_FD(h, dirfd, fs_nointr(hc_futimens(h, times, len)));
	return WITH_PATH(p, dirfd, path, flags | PATH_BY_HANDLE,
			 hc_utimensat(p.dir, p.path, times, len, flags | p.at));
}

DEFINE_SYSCALL4(utimensat, s32, dirfd, uva, path, uva, user_times, u32, flags)
{
	struct __kernel_timespec times[2];

	if (user_times && get_user(&times, user_times) < 0)
		return -EFAULT;
	if (user_times && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 0; /* Linux does not even look whether the file is there */
	return set_times(dirfd, path, user_times ? times : NULL, flags);
}

DEFINE_SYSCALL3(futimesat, s32, dirfd, uva, path, uva, user_times)
{
	struct __kernel_timespec times[2];
	struct __kernel_old_timeval tv[2];

	if (!user_times)
		return set_times(dirfd, path, NULL, 0);
	if (get_user(&tv, user_times) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
		times[i].tv_sec = tv[i].tv_sec;
		times[i].tv_nsec = tv[i].tv_usec * 1000;
	}
	return set_times(dirfd, path, times, 0);
}

DEFINE_SYSCALL2(utimes, uva, path, uva, user_times)
{
	return do_futimesat(AT_FDCWD, path, user_times);
}

DEFINE_SYSCALL2(utime, uva, path, uva, user_times)
{
	struct __kernel_timespec times[2] = {0};
	s64 seconds[2]; /* struct utimbuf */

	if (user_times && get_user(&seconds, user_times) < 0)
		return -EFAULT;
	for (int i = 0; i < 2 && user_times; i++)
		times[i].tv_sec = seconds[i];
	return set_times(AT_FDCWD, path, user_times ? times : NULL, 0);
}

/* -- Length and space ------------------------------------------------------------------------ */

/* Checks a new file size against RLIMIT_FSIZE: truncate(2). Returns 0 or -EFBIG with SIGXFSZ. */
static s64 may_grow(s64 size)
{
	u64 limit = current_process()->rlimit[RLIMIT_FSIZE].cur;

	if (size <= 0 || (u64)size <= limit)
		return 0;
	fs_signal(SIGXFSZ);
	return -EFBIG;
}

DEFINE_SYSCALL2(truncate, uva, path, s64, length)
{
	s64 r = length < 0 ? -EINVAL : may_grow(length);

	return r < 0 ? r
		     : WITH_PATH(p, AT_FDCWD, path, 0,
				 busy_check(&p) ?: hc_truncate(p.dir, p.path, length));
}

/* ftruncate(2). Also removes the mapped pages behind the new end. */
static s64 truncate_file(struct ofile *f, s64 length)
{
	s64 r = ofile_truncate(f, length);

	if (r >= 0)
		file_truncated(current_mm(), f);
	return r;
}

DEFINE_SYSCALL2(ftruncate, s32, fd, s64, length)
{
	s64 r = length < 0 ? -EINVAL : may_grow(length);
	struct ofile *f;

	if (r < 0)
		return r;
	f = fd_get(fd);
	r = f ? truncate_file(f, length) : -EBADF;
	ofile_put(f);
	return r;
}

/* Returns true if mode is one that fallocate(2) knows, with the flags that have to be together. */
static bool is_allocation(u32 mode)
{
	switch (mode & ~(u32)FALLOC_FL_KEEP_SIZE) {
	case 0:
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_UNSHARE_RANGE:
		return true;
	case FALLOC_FL_PUNCH_HOLE:
		return mode & FALLOC_FL_KEEP_SIZE;
	case FALLOC_FL_COLLAPSE_RANGE:
	case FALLOC_FL_INSERT_RANGE:
		return !(mode & FALLOC_FL_KEEP_SIZE);
	default:
		return false;
	}
}

/* What fallocate(2) checks before it asks the file. The host may know more modes. */
static s64 allocate(struct ofile *f, u32 mode, s64 offset, s64 len)
{
	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (!is_allocation(mode) && f->handle < 0)
		return -EOPNOTSUPP;
	return ofile_allocate(f, mode, offset, len);
}

DEFINE_SYSCALL4(fallocate, s32, fd, u32, mode, s64, offset, s64, len)
{
	s64 r = offset < 0 || len <= 0 ? 0 : may_grow(offset + len);
	struct ofile *f;

	if (r < 0)
		return r;
	f = fd_get(fd);
	r = f ? allocate(f, mode, offset, len) : -EBADF;
	ofile_put(f);
	return r;
}

/* -- File systems ---------------------------------------------------------------------------- */

static s64 statfs_result(s64 r, const struct statfs *st, uva out)
{
	return r < 0 ? fs_nointr(r) : copy_to_user(out, st, sizeof(*st));
}

DEFINE_SYSCALL2(statfs, uva, path, uva, out)
{
	const struct pseudo_node *node;
	struct statfs st;
	struct fs_path p;
	s64 r = path_get(&p, AT_FDCWD, path, 0);

	if (r < 0)
		return r;
	node = pseudo_node_of(&p);
	if (p.kind == PATH_FILE && !node)
		r = path_to_host(&p) < 0 ? -EBADF : hc_fstatfs(p.dir, &st, sizeof(st));
	else
		r = hc_statfs(p.dir, node ? node->fs->root : p.path, &st, sizeof(st));
	path_put(&p);
	return statfs_result(r, &st, out);
}

DEFINE_SYSCALL2(fstatfs, s32, fd, uva, out)
{
	struct statfs st;
	struct ofile *f = fd_get_any(fd);
	const struct pseudo_node *node;
	s64 r;

	if (!f)
		return -EBADF;
	node = ofile_node(f);
	if (node)
		r = hc_statfs(current_process()->fs->root, node->fs->root, &st, sizeof(st));
	else
		r = ofile_handle(f) < 0 ? -EBADF : hc_fstatfs(f->handle, &st, sizeof(st));
	ofile_put(f);
	return statfs_result(r, &st, out);
}
