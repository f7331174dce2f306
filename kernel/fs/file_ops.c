// SPDX-License-Identifier: MIT
/* Calls the operations of open files. Has the answers for kinds that lack an operation. */
#include <linux/fs.h>
#include <asm/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"

/* The result of f's operation op, or missing if f's kind does not have it. */
#define CALL(f, op, missing, ...) ((f)->ops->op ? (f)->ops->op(f, ##__VA_ARGS__) : (missing))

s64 ofile_read(struct ofile *f, struct io_request *rq)
{
	return CALL(f, read, -EINVAL, rq);
}

s64 ofile_write(struct ofile *f, struct io_request *rq)
{
	return CALL(f, write, -EINVAL, rq);
}

s64 ofile_move_nothing(struct ofile *f, struct io_request *rq)
{
	/* The host knows what its files without an inode of their own can do. */
	if (host_file_of(f) && !ofile_type(f))
		return rq->dir == IO_READ ? ofile_read(f, rq) : ofile_write(f, rq);
	return (rq->dir == IO_READ ? f->ops->read : f->ops->write) ? 0 : -EINVAL;
}

s64 ofile_seek(struct ofile *f, s64 offset, u32 whence)
{
	return CALL(f, seek, -ESPIPE, offset, whence);
}

s64 ofile_getdents(struct ofile *f, char *buf, u64 size)
{
	return CALL(f, getdents, -ENOTDIR, buf, size);
}

static s64 host_stat(struct ofile *f, struct stat *st)
{
	s64 handle = ofile_handle(f);

	return handle < 0 ? handle : hc_fstat((s32)handle, st, sizeof(*st));
}

s64 ofile_stat(struct ofile *f, struct stat *st)
{
	return CALL(f, stat, host_stat(f, st), st);
}

bool ofile_has_stat(const struct ofile *f)
{
	return f->ops->stat != NULL;
}

s64 ofile_handle(struct ofile *f)
{
	s64 r;

	if (f->handle >= 0)
		return f->handle;
	r = CALL(f, to_host, -EINVAL);
	return r < 0 ? r : f->handle;
}

s64 ofile_poll(struct ofile *f, struct wait_entry *e)
{
	return CALL(f, poll, -EREMOTE, e);
}

void ofile_unpoll(struct ofile *f, struct wait_entry *e)
{
	if (f->ops->unpoll)
		f->ops->unpoll(f, e);
}

bool ofile_moves_to_wait(const struct ofile *f)
{
	return f->ops->moves_to_wait && f->handle < 0;
}

s64 ofile_poll_handle(struct ofile *f)
{
	return CALL(f, poll_handle, -EPERM);
}

u32 ofile_poll_events(const struct ofile *f, u32 events)
{
	return f->ops->never_writable ? events & ~(u32)(POLLOUT | POLLWRNORM | POLLWRBAND) : events;
}

static s64 host_fcntl(struct ofile *f, u32 cmd, u64 arg)
{
	s64 handle = ofile_handle(f);

	return handle < 0 ? handle : fs_nointr(hc_fcntl((s32)handle, cmd, arg));
}

s64 ofile_fcntl(struct ofile *f, u32 cmd, u64 arg)
{
	return CALL(f, fcntl, host_fcntl(f, cmd, arg), cmd, arg);
}

s64 ofile_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	return CALL(f, ioctl, -ENOTTY, nr, arg);
}

s64 ofile_get_flags(struct ofile *f)
{
	return CALL(f, get_flags, f->flags);
}

static s64 set_nonblock(struct ofile *f, u64 flags)
{
	f->flags = (f->flags & ~(u32)O_NONBLOCK) | (flags & O_NONBLOCK);
	return 0;
}

s64 ofile_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	return CALL(f, set_flags, set_nonblock(f, flags), fd, flags);
}

s64 ofile_truncate(struct ofile *f, s64 length)
{
	return CALL(f, truncate, -EINVAL, length);
}

static bool open_for(const struct ofile *f, u32 access)
{
	u32 mode = f->flags & O_ACCMODE;

	return !(f->flags & O_PATH) && (mode == access || mode == O_RDWR);
}

/* The error of fallocate(2) for a file without the operation. */
static s64 cannot_allocate(struct ofile *f)
{
	if (!open_for(f, O_WRONLY))
		return -EBADF;
	return ofile_type(f) == S_IFREG ? -EOPNOTSUPP : -ENODEV;
}

s64 ofile_allocate(struct ofile *f, u32 mode, s64 offset, s64 len)
{
	return CALL(f, allocate, cannot_allocate(f), mode, offset, len);
}

s64 ofile_sync(struct ofile *f, bool data_only)
{
	return CALL(f, sync, -EINVAL, data_only);
}

int ofile_mmap(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared, struct vm_opened *out)
{
	return CALL(f, mmap, -ENODEV, offset, len, prot, shared, out);
}

static struct ofile *host_reopen(struct ofile *f, u32 flags, int *err)
{
	s64 handle = ofile_handle(f);

	if (handle >= 0)
		handle = hc_reopen((s32)handle, flags);
	return host_file_of_result(handle, flags, err);
}

struct ofile *ofile_reopen(struct ofile *f, u32 flags, int *err)
{
	return CALL(f, reopen, host_reopen(f, flags, err), flags, err);
}

s64 ofile_name(struct ofile *f, char *buf, u64 size)
{
	return CALL(f, name, fs_nointr(hc_handle_path(f->handle, buf, size)), buf, size);
}

void ofile_info(struct ofile *f, struct file_info *info)
{
	struct stat st;

	memset(info, 0, sizeof(*info));
	info->flags = -1;
	if (f->handle >= 0) {
		info->pos = hc_lseek(f->handle, 0, SEEK_CUR);
		info->flags = hc_fcntl(f->handle, F_GETFL, 0);
		host_info(f->handle, info);
		/* The handle of such a kind only helps it. */
		if (!f->ops->all_on_host)
			info->more[0] = '\0';
	} else if (ofile_has_stat(f) && ofile_stat(f, &st) >= 0) {
		info->ino = st.st_ino;
	}
	if (info->flags < 0)
		info->flags = f->flags;
	if (f->ops->info)
		f->ops->info(f, info);
}

const struct pseudo_node *ofile_node(struct ofile *f)
{
	return CALL(f, node, NULL);
}

bool ofile_process(struct ofile *f, struct process **p)
{
	return CALL(f, process, false, p);
}

void ofile_closed(struct ofile *f)
{
	if (f->ops->closed)
		f->ops->closed(f);
}

void ofile_release(struct ofile *f)
{
	if (f->ops->release)
		f->ops->release(f);
}

/* A text of /proc lies in a file on the host, so the host can read it. */
s64 ofile_may_move_from(struct ofile *f)
{
	if (!open_for(f, O_RDONLY))
		return -EBADF;
	return f->ops->all_on_host || ofile_node(f) ? 0 : -EINVAL;
}

s64 ofile_may_move_to(struct ofile *f)
{
	if (!open_for(f, O_WRONLY))
		return -EBADF;
	return f->ops->all_on_host ? 0 : -EINVAL;
}
