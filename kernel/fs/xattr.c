// SPDX-License-Identifier: MIT
/*
 * Extended attributes: four operations on a file that is named by path, by path without following a
 * link, by descriptor, or by directory, path and flags. The host reads and writes values in the
 * program's memory.
 */
#include <linux/limits.h>
#include "kernel/fs/fs.h"

/* The file of a call. */
struct target {
	bool by_path;
	struct fs_path p;   /* by path */
	int at;		    /* by path: AT_SYMLINK_NOFOLLOW or 0 */
	struct ofile *file; /* by descriptor */
};

/* Names in our /proc have no attributes: -EOPNOTSUPP. */
static s64 target_below(struct target *t, s32 dirfd, uva path, int at)
{
	s64 r;

	*t = (struct target){.by_path = true, .at = at & AT_SYMLINK_NOFOLLOW};
	r = path_get_host(&t->p, dirfd, path, at);
	return r == -EPERM ? -EOPNOTSUPP : r;
}

static s64 target_path(struct target *t, uva path, int at)
{
	return target_below(t, AT_FDCWD, path, at);
}

static s64 target_fd(struct target *t, s32 fd)
{
	*t = (struct target){.file = fd_get(fd)};
	if (!t->file)
		return -EBADF;
	if (!ofile_node(t->file) && ofile_handle(t->file) >= 0)
		return 0;
	ofile_put(t->file);
	return -EOPNOTSUPP;
}

/* For the *at calls: a path below a directory, or dirfd itself if the path is empty. */
static s64 target_at(struct target *t, s32 dirfd, uva path, u32 at)
{
	char first = 0;

	if (at & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (at & AT_EMPTY_PATH && dirfd != AT_FDCWD) {
		if (path && get_user(&first, path))
			return -EFAULT;
		if (!first)
			return target_fd(t, dirfd);
	}
	return target_below(t, dirfd, path, (int)at);
}

static void target_put(struct target *t)
{
	if (t->by_path)
		path_put(&t->p);
	else
		ofile_put(t->file);
}

/* The attribute's name and the program's buffer, as far as the call has them. */
struct operands {
	char name[XATTR_NAME_MAX + 2];
	struct user_segs *buf;
};

static s64 operands_get(struct operands *o, uva name, uva buf, u64 size, bool write)
{
	s64 r = 0;

	o->buf = NULL;
	if (name) {
		r = strncpy_from_user(o->name, name, sizeof(o->name));
		if (r == 0 || r == -ENAMETOOLONG || r > XATTR_NAME_MAX)
			return -ERANGE;
		if (r < 0)
			return r;
	}
	o->buf = user_segs_new();
	if (!o->buf)
		return -ENOMEM;
	if (size)
		r = user_segs_add(o->buf, buf, size, write);
	if (r < 0)
		user_segs_put(o->buf);
	return r < 0 ? r : 0;
}

static s64 xattr_get(struct target *t, uva name, uva value, u64 size)
{
	struct operands o;
	s64 r = operands_get(&o, name, value, MIN(size, (u64)XATTR_SIZE_MAX), true);

	if (r < 0)
		return r;
	if (t->by_path)
		r = hc_xattr_get(t->p.dir, t->p.path, t->at, o.name, &o.buf->segs);
	else
		r = hc_fgetxattr(t->file->handle, o.name, &o.buf->segs);
	user_segs_put(o.buf);
	return r;
}

static s64 xattr_set(struct target *t, uva name, uva value, u64 size, u32 flags)
{
	struct operands o;
	s64 r;

	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	r = operands_get(&o, name, value, size, false);
	if (r < 0)
		return r;
	if (t->by_path)
		r = hc_xattr_set(t->p.dir, t->p.path, t->at, o.name, &o.buf->segs, flags);
	else
		r = hc_fsetxattr(t->file->handle, o.name, &o.buf->segs, flags);
	user_segs_put(o.buf);
	return r;
}

static s64 xattr_list(struct target *t, uva list, u64 size)
{
	struct operands o;
	s64 r = operands_get(&o, 0, list, MIN(size, (u64)XATTR_LIST_MAX), true);

	if (r < 0)
		return r;
	if (t->by_path)
		r = hc_xattr_list(t->p.dir, t->p.path, t->at, &o.buf->segs);
	else
		r = hc_flistxattr(t->file->handle, &o.buf->segs);
	user_segs_put(o.buf);
	return r;
}

static s64 xattr_remove(struct target *t, uva name)
{
	struct operands o;
	s64 r = operands_get(&o, name, 0, 0, false);

	if (r < 0)
		return r;
	user_segs_put(o.buf);
	if (t->by_path)
		return hc_xattr_remove(t->p.dir, t->p.path, t->at, o.name);
	return hc_fremovexattr(t->file->handle, o.name);
}

/* Finds the target t, and performs call on it. */
#define ON_TARGET(find, call)                                                                      \
	({                                                                                         \
		struct target t;                                                                   \
		s64 r_ = (find);                                                                   \
		if (r_ >= 0) {                                                                     \
			r_ = fs_nointr(call);                                                      \
			target_put(&t);                                                            \
		}                                                                                  \
		r_;                                                                                \
	})

DEFINE_SYSCALL4(getxattr, uva, path, uva, name, uva, value, u64, size)
{
	return ON_TARGET(target_path(&t, path, 0), xattr_get(&t, name, value, size));
}

DEFINE_SYSCALL4(lgetxattr, uva, path, uva, name, uva, value, u64, size)
{
	return ON_TARGET(target_path(&t, path, AT_SYMLINK_NOFOLLOW),
			 xattr_get(&t, name, value, size));
}

DEFINE_SYSCALL4(fgetxattr, s32, fd, uva, name, uva, value, u64, size)
{
	return ON_TARGET(target_fd(&t, fd), xattr_get(&t, name, value, size));
}

DEFINE_SYSCALL5(setxattr, uva, path, uva, name, uva, value, u64, size, u32, flags)
{
	return ON_TARGET(target_path(&t, path, 0), xattr_set(&t, name, value, size, flags));
}

DEFINE_SYSCALL5(lsetxattr, uva, path, uva, name, uva, value, u64, size, u32, flags)
{
	return ON_TARGET(target_path(&t, path, AT_SYMLINK_NOFOLLOW),
			 xattr_set(&t, name, value, size, flags));
}

DEFINE_SYSCALL5(fsetxattr, s32, fd, uva, name, uva, value, u64, size, u32, flags)
{
	return ON_TARGET(target_fd(&t, fd), xattr_set(&t, name, value, size, flags));
}

DEFINE_SYSCALL3(listxattr, uva, path, uva, list, u64, size)
{
	return ON_TARGET(target_path(&t, path, 0), xattr_list(&t, list, size));
}

DEFINE_SYSCALL3(llistxattr, uva, path, uva, list, u64, size)
{
	return ON_TARGET(target_path(&t, path, AT_SYMLINK_NOFOLLOW), xattr_list(&t, list, size));
}

DEFINE_SYSCALL3(flistxattr, s32, fd, uva, list, u64, size)
{
	return ON_TARGET(target_fd(&t, fd), xattr_list(&t, list, size));
}

DEFINE_SYSCALL2(removexattr, uva, path, uva, name)
{
	return ON_TARGET(target_path(&t, path, 0), xattr_remove(&t, name));
}

DEFINE_SYSCALL2(lremovexattr, uva, path, uva, name)
{
	return ON_TARGET(target_path(&t, path, AT_SYMLINK_NOFOLLOW), xattr_remove(&t, name));
}

DEFINE_SYSCALL2(fremovexattr, s32, fd, uva, name)
{
	return ON_TARGET(target_fd(&t, fd), xattr_remove(&t, name));
}

/* -- The *at calls of Linux 6.13, whose struct may grow -----------------------------------------
 */

struct xattr_args_user {
	u64 value;
	u32 size, flags;
};

static s64 read_xattr_args(struct xattr_args_user *a, uva from, u64 size)
{
	if (size < sizeof(*a))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(a, sizeof(*a), from, size);
}

DEFINE_SYSCALL6(setxattrat, s32, dirfd, uva, path, u32, at, uva, name, uva, args, u64, size)
{
	struct xattr_args_user a;
	s64 r = read_xattr_args(&a, args, size);

	if (r < 0)
		return r;
	return ON_TARGET(target_at(&t, dirfd, path, at),
			 xattr_set(&t, name, a.value, a.size, a.flags));
}

DEFINE_SYSCALL6(getxattrat, s32, dirfd, uva, path, u32, at, uva, name, uva, args, u64, size)
{
	struct xattr_args_user a;
	s64 r = read_xattr_args(&a, args, size);

	if (r < 0)
		return r;
	if (a.flags)
		return -EINVAL;
	return ON_TARGET(target_at(&t, dirfd, path, at), xattr_get(&t, name, a.value, a.size));
}

DEFINE_SYSCALL5(listxattrat, s32, dirfd, uva, path, u32, at, uva, list, u64, size)
{
	return ON_TARGET(target_at(&t, dirfd, path, at), xattr_list(&t, list, size));
}

DEFINE_SYSCALL4(removexattrat, s32, dirfd, uva, path, u32, at, uva, name)
{
	return ON_TARGET(target_at(&t, dirfd, path, at), xattr_remove(&t, name));
}
