// SPDX-License-Identifier: MIT
/*
 * Hostcalls on file modes and attributes, file handles, the page cache and mounts. Some of the
 * host's system calls are younger than the oldest supported host: this file defines their numbers,
 * and such a host returns ENOSYS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "vm/hostcall.h"

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif
#ifndef SYS_file_getattr
#define SYS_file_getattr 468
#define SYS_file_setattr 469
#endif

/* The head of struct file_handle (<fcntl.h>), whose content has a variable size. */
struct handle_head {
	u32 bytes;
	s32 type;
};
#define HANDLE_BYTES 128 /* MAX_HANDLE_SZ */

/* struct mnt_id_req of <linux/mount.h>; later versions have ns after param. */
struct mount_request {
	u32 size;
	u32 spare;
	u64 id, param, ns;
};

/*
 * fchmodat2(2), without that system call, which older hosts lack: opens the file with O_PATH and
 * changes the mode by the descriptor's name in /proc.
 */
s64 hc_do_fchmodat2(struct call *c, int dir, const char *path, u64 mode, u64 flags)
{
	u64 open_flags = O_PATH | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0);
	struct stat st;
	char name[32];
	s64 fd, r;

	(void)c;
	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!*path && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	fd = *path ? HOST_CALL(openat, (u64)dir, (u64)path, open_flags, 0) : dir;
	if (fd < 0)
		return fd == -1 ? -EBADF : fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", (int)fd);
	r = HOST_CALL(fstat, (u64)fd, (u64)&st);
	if (r >= 0)
		r = S_ISLNK(st.st_mode) ? -EOPNOTSUPP
					: HOST_CALL(fchmodat, (u64)AT_FDCWD, (u64)name, mode);
	if (*path)
		HOST_CALL(close, (u64)fd);
	return r;
}

s64 hc_do_name_to_handle(struct call *c, int dir, const char *path, void *handle, u32 handle_len,
			 void *mount, u32 mount_len, u64 flags)
{
	struct handle_head *h = handle;

	(void)c;
	if (handle_len != sizeof(*h) + HANDLE_BYTES || mount_len != sizeof(u64))
		return -EINVAL;
	memset(handle, 0, handle_len);
	memset(mount, 0, mount_len);
	h->bytes = HANDLE_BYTES;
	return HOST_CALL(name_to_handle_at, (u64)dir, (u64)path, (u64)handle, (u64)mount, flags);
}

s64 hc_do_cachestat(struct call *c, int file, const void *range, u32 range_len, void *stat,
		    u32 stat_len, u64 flags)
{
	(void)c;
	if (range_len != 16 || stat_len != 40)
		return -EINVAL;
	return HOST_CALL(cachestat, (u64)file, (u64)range, (u64)stat, flags);
}

/*
 * Checks that a request is for the monitor's mount namespace, about which /proc/self/mountinfo
 * tells the same. Returns 0 or -errno.
 */
static s64 own_mounts(const void *request, u32 len)
{
	struct mount_request r = {0};

	if (len > sizeof(r) || len < offsetof(struct mount_request, ns))
		return -EINVAL;
	memcpy(&r, request, len);
	if (r.size != len || r.spare)
		return -EINVAL;
	return r.ns ? -EPERM : 0;
}

s64 hc_do_statmount(struct call *c, const void *request, u32 request_len, void *stat, u32 stat_len,
		    u64 flags)
{
	s64 r = own_mounts(request, request_len);

	(void)c;
	if (r < 0)
		return r;
	memset(stat, 0, stat_len);
	return HOST_CALL(statmount, (u64)request, (u64)stat, stat_len, flags);
}

s64 hc_do_listmount(struct call *c, const void *request, u32 request_len, void *ids, u32 ids_len,
		    u64 flags)
{
	s64 r = own_mounts(request, request_len);

	(void)c;
	return r < 0 ? r
		     : HOST_CALL(listmount, (u64)request, (u64)ids, ids_len / sizeof(u64), flags);
}

/* file_getattr(2), file_setattr(2): the first version of struct file_attr. */
#define FILE_ATTR_BYTES 24

s64 hc_do_file_getattr(struct call *c, int dir, const char *path, void *attr, u32 attr_len,
		       u64 flags)
{
	(void)c;
	if (attr_len != FILE_ATTR_BYTES)
		return -EINVAL;
	memset(attr, 0, attr_len);
	return HOST_CALL(file_getattr, (u64)dir, (u64)path, (u64)attr, attr_len, flags);
}

s64 hc_do_file_setattr(struct call *c, int dir, const char *path, const void *attr, u32 attr_len,
		       u64 flags)
{
	(void)c;
	if (attr_len != FILE_ATTR_BYTES)
		return -EINVAL;
	return HOST_CALL(file_setattr, (u64)dir, (u64)path, (u64)attr, attr_len, flags);
}
