// SPDX-License-Identifier: MIT
/*
 * file_getattr(2) and file_setattr(2): what the ioctls FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR do,
 * by a name. The struct may grow in later versions of Linux; the host gets its first version.
 */
#include "kernel/fs/fs.h"

struct file_attr {
	u64 xflags;
	u32 extsize, nextents, projid, cowextsize;
};
#define ATTR_SIZE_MAX 4096 /* Linux: a page */

/* The file of dirfd itself. O_PATH is not enough for it. Returns 0 or -errno. */
static int get_itself(struct fs_path *p, s32 dirfd)
{
	struct ofile *f = dirfd == AT_FDCWD ? NULL : fd_get(dirfd);
	int err;

	if (dirfd != AT_FDCWD && !f)
		return -EBADF;
	/* The handle of the working directory is an O_PATH one. */
	err = f ? path_get_kernel(p, dirfd, "", AT_EMPTY_PATH) : path_get_kernel(p, dirfd, ".", 0);
	ofile_put(f);
	if (err)
		return err;
	if (p->kind == PATH_PSEUDO || (p->kind == PATH_FILE && ofile_node(p->hold)))
		err = -EOPNOTSUPP;
	else
		err = path_to_host(p);
	if (err)
		path_put(p);
	return err;
}

/* Finds the file. A null pointer with AT_EMPTY_PATH is an empty path. Returns 0 or -errno. */
static int get(struct fs_path *p, s32 dirfd, uva path, u32 flags)
{
	char first = 0;
	int err;

	if (flags & AT_EMPTY_PATH && path && get_user(&first, path))
		return -EFAULT;
	if (flags & AT_EMPTY_PATH && !first)
		return get_itself(p, dirfd);
	err = path_get_host(p, dirfd, path, (int)(flags & AT_SYMLINK_NOFOLLOW) | PATH_BY_HANDLE);
	/* Our /proc has no such attributes. */
	return err == -EPERM ? -EOPNOTSUPP : err;
}

static s64 check(u64 size, u32 flags)
{
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (size > ATTR_SIZE_MAX)
		return -E2BIG;
	return size < sizeof(struct file_attr) ? -EINVAL : 0;
}

DEFINE_SYSCALL5(file_getattr, s32, dirfd, uva, path, uva, out, u64, size, u32, flags)
{
	struct file_attr attr;
	struct fs_path p;
	s64 r = check(size, flags);

	if (!r)
		r = get(&p, dirfd, path, flags);
	if (r < 0)
		return r;
	r = fs_nointr(hc_file_getattr(p.dir, p.path, &attr, sizeof(attr),
				      (flags & AT_SYMLINK_NOFOLLOW) | (u32)p.at));
	path_put(&p);
	if (r >= 0 && size > sizeof(attr))
		r = clear_user(out + sizeof(attr), size - sizeof(attr));
	return r < 0 ? r : put_user(attr, out);
}

DEFINE_SYSCALL5(file_setattr, s32, dirfd, uva, path, uva, in, u64, size, u32, flags)
{
	struct file_attr attr;
	struct fs_path p;
	s64 r = check(size, flags);

	if (!r)
		r = copy_struct_from_user(&attr, sizeof(attr), in, size);
	if (!r)
		r = get(&p, dirfd, path, flags);
	if (r < 0)
		return r;
	r = fs_nointr(hc_file_setattr(p.dir, p.path, &attr, sizeof(attr),
				      (flags & AT_SYMLINK_NOFOLLOW) | (u32)p.at));
	path_put(&p);
	return r;
}
