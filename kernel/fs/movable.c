// SPDX-License-Identifier: MIT
/* See movable.h. */
#include <asm/ioctls.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/movable.h"

s64 movable_pass_on(struct ofile *f, struct io_request *rq)
{
	s64 handle = ofile_handle(f);

	return handle < 0 ? handle : io_transfer(f, rq);
}

s64 movable_seek(struct ofile *f, s64 offset, u32 whence)
{
	s64 handle = ofile_handle(f);

	return handle < 0 ? handle : host_seek(f, offset, whence);
}

s64 movable_get_flags(struct ofile *f)
{
	return movable_on_host(f) ? host_get_flags(f) : f->flags;
}

s64 movable_set_flags(struct ofile *f, s32 fd, u64 flags, struct mutex *lock, u32 settable)
{
	s64 r = flags & (FASYNC | (O_DIRECT & ~settable)) ? ofile_handle(f) : 0;
	bool on_host;

	if (r < 0)
		return r;
	mutex_lock(lock);
	on_host = movable_on_host(f);
	if (!on_host)
		f->flags = (f->flags & ~settable) | ((u32)flags & settable);
	mutex_unlock(lock);
	return on_host ? host_set_flags(f, fd, flags) : 0;
}

static s64 set_nonblocking(struct ofile *f, uva in)
{
	s32 on;

	if (get_user(&on, in))
		return -EFAULT;
	return ofile_set_flags(f, -1, on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK);
}

s64 movable_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	s64 r;

	if (!movable_on_host(f)) {
		switch (nr) {
		case FIONBIO:
			return set_nonblocking(f, arg);
		case TCGETS: /* isatty(3) */
			return -ENOTTY;
		}
	}
	r = ofile_handle(f);
	return r < 0 ? r : host_ioctl(f, nr, arg);
}

struct stat movable_stat(u64 dev, u64 ino, u32 mode, u32 uid, u32 gid)
{
	return (struct stat){
		.st_dev = dev,
		.st_ino = ino,
		.st_nlink = 1,
		.st_mode = mode,
		.st_uid = uid,
		.st_gid = gid,
		.st_blksize = PAGE_SIZE,
	};
}

s64 movable_arrives(s32 handle, u32 type, struct stat *st)
{
	s64 r = hc_fstat(handle, st, sizeof(*st));

	if (r < 0)
		return r;
	if ((st->st_mode & S_IFMT) != type)
		return -EINVAL;
	r = hc_fcntl(handle, F_GETFL, 0);
	return r >= 0 && r & O_PATH ? -EBADF : r;
}

s64 movable_name(const char *text, char *buf, u64 size)
{
	return (s64)MIN(strlcpy(buf, text, size), size);
}

s64 movable_name_ino(const char *kind, u64 ino, char *buf, u64 size)
{
	char text[48];

	snprintf(text, sizeof(text), "%s:[%lu]", kind, ino);
	return movable_name(text, buf, size);
}
