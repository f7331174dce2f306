// SPDX-License-Identifier: MIT
/* See host_file.h. */
#include <linux/fs.h>
#include "kernel/fs/busy.h"
#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/fs/tty.h"

/* Flags of F_SETFL that are kept: fcntl(2). O_ASYNC is kept in ofile.async. */
#define SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

_Static_assert(offsetof(struct host_file, file) == 0, "host_file_of casts");

struct ofile *host_file_new(s32 handle, u32 flags)
{
	return ofile_new(&host_file_ops, handle, flags);
}

struct ofile *host_file_of_result(s64 handle, u32 flags, int *err)
{
	struct ofile *f = NULL;

	*err = 0;
	if (handle < 0) {
		*err = (int)fs_restart(handle);
	} else {
		f = host_file_new((s32)handle, flags);
		if (!f) {
			hc_close((s32)handle);
			*err = -ENOMEM;
		}
	}
	return f;
}

/* -- Reading and writing ------------------------------------------------------------------- */

/* As host_file_room, for a write at pos. */
static s64 below_limit(u64 pos, u64 len)
{
	u64 limit = current_process()->rlimit[RLIMIT_FSIZE].cur;

	if (len && pos >= limit) {
		fs_signal(SIGXFSZ);
		return -EFBIG;
	}
	return len ? MIN(len, limit - pos) : 0;
}

/* Returns where a write at offset (or IO_AT_POS) with these RWF_* flags will begin. */
static s64 write_position(struct ofile *f, s64 offset, u32 rwf)
{
	struct stat st;
	s64 flags = fs_nointr(hc_fcntl(f->handle, F_GETFL, 0)), r;

	if (flags < 0)
		return flags;
	if (flags & O_APPEND || rwf & RWF_APPEND) {
		r = fs_nointr(hc_fstat(f->handle, &st, sizeof(st)));
		return r < 0 ? r : st.st_size;
	}
	return offset == IO_AT_POS ? fs_nointr(hc_lseek(f->handle, 0, SEEK_CUR)) : offset;
}

s64 host_file_room(struct ofile *f, s64 offset, u32 rwf, u64 len)
{
	s64 at;

	len = MIN(len, (u64)INT64_MAX);
	if (current_process()->rlimit[RLIMIT_FSIZE].cur == RLIM_INFINITY ||
	    ofile_type(f) != S_IFREG)
		return (s64)len;
	at = write_position(f, offset, rwf);
	return at < 0 ? at : below_limit((u64)at, len);
}

/* Shortens a write to what RLIMIT_FSIZE allows. */
static s64 limit_write(struct ofile *f, struct io_request *rq)
{
	s64 r = host_file_room(f, rq->offset, rq->flags, rq->left);

	if (r >= 0)
		rq->left = (u64)r;
	return r;
}

/* Writes to the master of a pseudo-terminal, which are what the terminal's user types. */
static s64 write_master(struct ofile *f, struct io_request *rq)
{
	const struct iovec *iov = rq->iov;
	s64 r = io_transfer(f, rq);

	for (s64 left = r; left > 0; left -= (s64)iov++->iov_len)
		tty_master_written(f, (u64)iov->iov_base, MIN(iov->iov_len, (u64)left));
	return r;
}

static s64 host_read(struct ofile *f, struct io_request *rq)
{
	const struct iovec *iov = rq->iov;
	bool plain = rq->offset == IO_AT_POS && !rq->flags;
	u32 count = rq->count;
	u64 start, wanted = rq->left;
	s64 r = tty_check(f, TTY_READ);

	if (r >= 0 && plain && f->mode == S_IFREG) {
		if (path_prefetch_read(f))
			return 0;
		start = path_prefetch_reads(f);
		r = io_transfer(f, rq);
		path_prefetch_has_read(start, wanted, r);
		return r;
	}
	return r < 0 ? r : cookie_received(f, iov, count, io_transfer(f, rq), 0, NULL);
}

static s64 host_write(struct ofile *f, struct io_request *rq)
{
	s64 r = tty_check(f, TTY_WRITE);

	if (r >= 0)
		r = limit_write(f, rq);
	if (r < 0)
		return r;
	return host_file_of(f)->tty_master ? write_master(f, rq) : io_transfer(f, rq);
}

/* -- The rest ------------------------------------------------------------------------------- */

s64 host_seek(struct ofile *f, s64 offset, u32 whence)
{
	s64 at;

	return path_prefetch_seek(f, offset, whence, &at)
		       ? at
		       : fs_nointr(hc_lseek(f->handle, offset, whence));
}

s64 host_poll_handle(struct ofile *f)
{
	epoll_is_polled(f);
	return f->handle;
}

/* The host made the other end of a terminal (TIOCGPTPEER) with an O_CLOEXEC that F_GETFL shows. */
s64 host_get_flags(struct ofile *f)
{
	s64 r = fs_nointr(hc_fcntl(f->handle, F_GETFL, 0));

	return r < 0 ? r : (r & ~O_CLOEXEC) | (f->flags & O_CLOEXEC);
}

s64 host_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	s64 r = fs_nointr(hc_fcntl(f->handle, F_SETFL, flags));

	if (r >= 0)
		r = async_set(f, fd, flags & FASYNC);
	if (r >= 0)
		f->flags = (f->flags & ~(u32)SETTABLE) | (flags & SETTABLE);
	return r;
}

static s64 host_getdents(struct ofile *f, char *buf, u64 size)
{
	return fs_nointr(hc_getdents64(f->handle, buf, size, HC_NONE));
}

static s64 host_truncate(struct ofile *f, s64 length)
{
	return fs_nointr(hc_ftruncate(f->handle, length));
}

static s64 host_allocate(struct ofile *f, u32 mode, s64 offset, s64 len)
{
	return fs_restart(hc_fallocate(f->handle, mode, offset, len));
}

static s64 host_sync(struct ofile *f, bool data_only)
{
	return fs_nointr(data_only ? hc_fdatasync(f->handle) : hc_fsync(f->handle));
}

static void host_release(struct ofile *f)
{
	cookie_forget(f);
	busy_closed(host_file_of(f));
	if (host_file_of(f)->tty_master)
		tty_master_closed(f);
}

const struct file_ops host_file_ops = {
	.size = sizeof(struct host_file),
	.all_on_host = true,
	.read = host_read,
	.write = host_write,
	.seek = host_seek,
	.getdents = host_getdents,
	.poll_handle = host_poll_handle,
	.ioctl = host_ioctl,
	.get_flags = host_get_flags,
	.set_flags = host_set_flags,
	.truncate = host_truncate,
	.allocate = host_allocate,
	.sync = host_sync,
	.mmap = host_mmap,
	.info = epoll_info,
	.release = host_release,
};
