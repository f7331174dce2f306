// SPDX-License-Identifier: MIT
/*
 * System calls that move bytes. The host reads and writes the program's pages themselves
 * (user_segs), so the kernel copies nothing. A request that is larger than one hostcall takes is
 * done in chunks. What a partial result means depends on the file, see io_transfer().
 */
#include <asm/poll.h>
#include <linux/fs.h>
#include <linux/uio.h>
#include "kernel/fs/bounce.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"

#define RW_MAX	0x7ffff000UL /* most bytes of one read or write: read(2) */
#define IOV_FEW 8	     /* a longer array of iovecs is not kept on the stack */

/* Pins the next chunk. Returns its bytes, or -EFAULT if its first byte is not there. */
static s64 next_chunk(struct io_request *rq, struct user_segs *segs)
{
	u64 start = segs->bytes;

	while (rq->left && rq->count) {
		u64 want = MIN(rq->iov->iov_len - rq->done, rq->left), got;
		u64 before = segs->bytes;
		int err = 0;

		if (want)
			err = user_segs_add(segs, (u64)rq->iov->iov_base + rq->done, want,
					    rq->dir == IO_READ);
		if (err < 0 && segs->bytes == start)
			return err;
		got = segs->bytes - before;
		rq->done += got;
		rq->left -= got;
		if (got < want)
			break;
		rq->iov++;
		rq->count--;
		rq->done = 0;
	}
	return segs->bytes - start;
}

/* Sets rq to what is left of whole after total bytes. */
static void go_to(struct io_request *rq, const struct io_request *whole, u64 total)
{
	rq->iov = whole->iov;
	rq->count = whole->count;
	rq->left = whole->left - total;
	rq->done = whole->done + total;
	while (rq->count && rq->done >= rq->iov->iov_len) {
		rq->done -= rq->iov->iov_len;
		rq->iov++;
		rq->count--;
	}
}

s64 io_pin(const struct io_request *rq, u64 max, struct user_segs *segs)
{
	struct io_request part = *rq;

	part.left = MIN(part.left, max);
	return next_chunk(&part, segs);
}

void io_advance(struct io_request *rq, u64 n)
{
	const struct io_request before = *rq;

	go_to(rq, &before, n);
}

/* Returns how many of n bytes are left in the first buffer of the request. */
static u64 in_buffer(const struct io_request *rq, u64 n)
{
	return MIN(n, rq->iov->iov_len - rq->done);
}

int io_copy_in(struct io_request *rq, void *to, u64 n, u64 before)
{
	int err = 0;

	while (n && !err) {
		u64 part = in_buffer(rq, n);

		if (part)
			err = copy_from_buffer(to, (u64)rq->iov->iov_base + rq->done, part, before);
		to = (char *)to + part;
		before += part;
		n -= part;
		io_advance(rq, part);
	}
	return err;
}

int io_copy_out(struct io_request *rq, const void *from, u64 n)
{
	int err = 0;

	while (n && !err) {
		u64 part = in_buffer(rq, n);

		if (part)
			err = copy_to_user((u64)rq->iov->iov_base + rq->done, from, part);
		from = (const char *)from + part;
		n -= part;
		io_advance(rq, part);
	}
	return err;
}

bool io_nonblocking(const struct ofile *f, const struct io_request *rq)
{
	return f->flags & O_NONBLOCK || rq->flags & RWF_NOWAIT;
}

/* Returns true if a write ended early only by a kick: it goes on unless a signal is pending. */
static bool cut_by_kick(const struct io_request *rq)
{
	if (rq->dir == IO_READ)
		return false;
	signal_upcall();
	return !signal_pending();
}

/* Returns true if f was opened for what the request does. */
static bool open_for_request(const struct ofile *f, enum io_direction dir)
{
	u32 mode = f->flags & O_ACCMODE;

	return mode == O_RDWR || mode == (dir == IO_READ ? O_RDONLY : O_WRONLY);
}

/* Returns what Linux finds wrong with a request before it touches a bad buffer. */
static s64 bad_buffer(struct ofile *f, const struct io_request *rq)
{
	if (!open_for_request(f, rq->dir))
		return -EBADF;
	return rq->dir == IO_READ && ofile_type(f) == S_IFDIR ? -EISDIR : -EFAULT;
}

static s64 host_transfer(struct ofile *f, const struct io_request *rq, const struct segs *segs)
{
	if (rq->dir == IO_READ)
		return rq->offset == IO_AT_POS && !rq->flags
			       ? hc_readv(f->handle, segs)
			       : hc_preadv2(f->handle, segs, rq->offset, rq->flags);
	return rq->offset == IO_AT_POS && !rq->flags
		       ? hc_writev(f->handle, segs)
		       : hc_pwritev2(f->handle, segs, rq->offset, rq->flags);
}

/*
 * Returns true if the request whole, of which rq is left after segs, has to go as one bounced
 * request. It has to if it takes more segments than a hostcall carries and the file is not a
 * regular one. It also has to for a file of records (inotify) if its one buffer is in several
 * segments: a record that fits into none of these would never be read.
 */
static bool must_not_be_cut(struct ofile *f, const struct io_request *rq,
			    const struct io_request *whole, const struct user_segs *segs)
{
	const struct host_file *host = host_file_of(f);

	if (whole->left > BOUNCE_MAX)
		return false;
	/* Of larger requests, only a message must stay whole. */
	if (whole->left > BOUNCE_CHUNK &&
	    (ofile_type(f) != S_IFSOCK || !fs_sends_messages(f->handle)))
		return false;
	if (rq->left && segs->segs.count == HOSTCALL_SEGS_MAX)
		return ofile_type(f) != S_IFREG;
	return host && host->records && whole->count == 1 && segs->segs.count > 1;
}

/* Returns true if f is a socket of messages, for which Linux sends no SIGPIPE. */
static bool is_message_socket(struct ofile *f)
{
	return ofile_type(f) == S_IFSOCK && fs_sends_messages(f->handle);
}

/* Returns true if a page of a message is not there. Then no part of the message may be sent. */
static bool cuts_message(struct ofile *f, const struct io_request *rq,
			 const struct io_request *whole, const struct user_segs *segs)
{
	return rq->dir == IO_WRITE && segs->bytes < whole->left &&
	       segs->segs.count < HOSTCALL_SEGS_MAX && is_message_socket(f);
}

/*
 * Linux's drivers of /dev/null, /dev/zero and /dev/full do not look at what is written, so they
 * answer for buffers that are not there, too. Returns the answer of such a device to the request
 * whole; -EFAULT for other files, and for addresses that no program can have.
 */
static s64 taken_unseen(struct ofile *f, const struct io_request *whole)
{
	struct stat st;
	s64 r;

	if (ofile_type(f) != S_IFCHR)
		return -EFAULT;
	for (u32 i = 0; i < whole->count; i++) {
		u64 start = (u64)whole->iov[i].iov_base, len = whole->iov[i].iov_len;

		if (len > USER_TOP || start > USER_TOP - len)
			return -EFAULT;
	}
	r = fs_nointr(hc_fstat(f->handle, &st, sizeof(st)));
	if (r < 0)
		return r;
	switch (st.st_rdev) {
	case DEV_NULL:
	case DEV_ZERO:
		return (s64)whole->left;
	case DEV_FULL:
		return -ENOSPC;
	default:
		return -EFAULT;
	}
}

/* Returns true if a page that a write needs is not there. */
static bool lacks_pages(const struct io_request *rq, s64 chunk, const struct user_segs *segs)
{
	return rq->dir == IO_WRITE &&
	       (chunk == -EFAULT || (rq->left && segs->segs.count < HOSTCALL_SEGS_MAX));
}

static s64 bounced(struct ofile *f, const struct io_request *rq)
{
	struct bounce b;
	s64 r = bounce_get(&b, rq->iov, rq->count, rq->left, rq->dir == IO_WRITE);

	if (r < 0)
		return r;
	r = host_transfer(f, rq, &b.segs);
	if (r > 0 && rq->dir == IO_READ)
		r = bounce_scatter(&b, r);
	bounce_put(&b);
	return r;
}

/*
 * Moves chunk after chunk as long as each is moved as a whole. A read from anything but a regular
 * file ends after one hostcall, because more bytes may never come. A write goes on until all bytes
 * are taken, as on Linux. An error after the first chunk is left for the next call, as read(2) and
 * write(2) do.
 */
s64 io_transfer(struct ofile *f, struct io_request *rq)
{
	const struct io_request whole = *rq;
	s64 total = 0, r;

	do {
		struct user_segs *segs = user_segs_new();
		bool in_one;
		s64 wanted;

		if (!segs)
			return total ? total : -ENOMEM;
		wanted = r = next_chunk(rq, segs);
		if (lacks_pages(rq, r, segs)) {
			s64 taken = taken_unseen(f, &whole);

			if (taken != -EFAULT) {
				user_segs_put(segs);
				return taken;
			}
		}
		if (r == -EFAULT && !total)
			r = bad_buffer(f, &whole);
		in_one = !total && must_not_be_cut(f, rq, &whole, segs);
		if (r >= 0 && !in_one && cuts_message(f, rq, &whole, segs))
			r = -EFAULT;
		if (r >= 0 && !in_one)
			r = host_transfer(f, rq, &segs->segs);
		user_segs_put(segs);
		if (in_one)
			r = bounced(f, &whole);
		if (r == -EPIPE && rq->dir == IO_WRITE && !is_message_socket(f))
			fs_signal(SIGPIPE);
		if (r == -EINTR && total && cut_by_kick(rq)) {
			go_to(rq, &whole, (u64)total);
			continue;
		}
		if (r == -EINTR && !total && ofile_type(f) == S_IFSOCK)
			return fs_restart_socket(f->handle, rq->dir == IO_WRITE, r);
		if (r < 0)
			return total ? total : fs_restart(r);
		total += r;
		user_segs_continue((u64)total);
		if (rq->offset != IO_AT_POS)
			rq->offset += r;
		if (r < wanted && !in_one && r > 0 && cut_by_kick(rq))
			go_to(rq, &whole, (u64)total);
		else if (in_one || r < wanted)
			break;
	} while (rq->left && (rq->dir == IO_WRITE || ofile_type(f) == S_IFREG));
	return total;
}

static s64 run(struct ofile *f, struct io_request *rq)
{
	return rq->dir == IO_READ ? ofile_read(f, rq) : ofile_write(f, rq);
}

static s64 one_buffer(s32 fd, enum io_direction dir, uva buf, u64 len, s64 offset)
{
	const struct iovec iov = {(void *)buf, MIN(len, RW_MAX)};
	struct io_request rq = {
		.dir = dir, .iov = &iov, .count = 1, .left = iov.iov_len, .offset = offset};
	struct ofile *f = fd_get(fd);
	s64 r = f ? run(f, &rq) : -EBADF;

	ofile_put(f);
	return r;
}

/* As vector, but moves at most most bytes, of an open file. */
static s64 vector_of(struct ofile *f, enum io_direction dir, uva user_iov, u32 count, s64 offset,
		     u32 flags, u64 most)
{
	struct iovec few[IOV_FEW], *iov = few;
	struct io_request rq = {.dir = dir, .count = count, .offset = offset, .flags = flags};
	u64 sum = 0;
	s64 r;

	if (!open_for_request(f, dir))
		return -EBADF;
	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > IOV_FEW)
		iov = kmalloc(count * sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	r = copy_from_user(iov, user_iov, count * sizeof(*iov));
	for (u32 i = 0; r >= 0 && i < count; i++) {
		if ((s64)iov[i].iov_len < 0)
			r = -EINVAL;
		sum = MIN(sum + iov[i].iov_len, most);
	}
	rq.iov = iov;
	rq.left = sum;
	if (r >= 0)
		r = sum || offset != IO_AT_POS ? run(f, &rq) : ofile_move_nothing(f, &rq);
	if (iov != few)
		kfree(iov);
	return r;
}

static s64 vector(s32 fd, enum io_direction dir, uva iov, u32 count, s64 offset, u32 flags)
{
	struct ofile *f = fd_get(fd);
	s64 r = f ? vector_of(f, dir, iov, count, offset, flags, RW_MAX) : -EBADF;

	ofile_put(f);
	return r;
}

DEFINE_SYSCALL3(read, s32, fd, uva, buf, u64, len)
{
	return one_buffer(fd, IO_READ, buf, len, IO_AT_POS);
}

DEFINE_SYSCALL3(write, s32, fd, uva, buf, u64, len)
{
	return one_buffer(fd, IO_WRITE, buf, len, IO_AT_POS);
}

DEFINE_SYSCALL4(pread64, s32, fd, uva, buf, u64, len, s64, offset)
{
	return offset < 0 ? -EINVAL : one_buffer(fd, IO_READ, buf, len, offset);
}

DEFINE_SYSCALL4(pwrite64, s32, fd, uva, buf, u64, len, s64, offset)
{
	return offset < 0 ? -EINVAL : one_buffer(fd, IO_WRITE, buf, len, offset);
}

DEFINE_SYSCALL3(readv, s32, fd, uva, iov, u32, count)
{
	return vector(fd, IO_READ, iov, count, IO_AT_POS, 0);
}

DEFINE_SYSCALL3(writev, s32, fd, uva, iov, u32, count)
{
	return vector(fd, IO_WRITE, iov, count, IO_AT_POS, 0);
}

/* The fifth argument of these is the upper half of the offset on 32-bit machines only. */
DEFINE_SYSCALL4(preadv, s32, fd, uva, iov, u32, count, s64, offset)
{
	return offset < 0 ? -EINVAL : vector(fd, IO_READ, iov, count, offset, 0);
}

DEFINE_SYSCALL4(pwritev, s32, fd, uva, iov, u32, count, s64, offset)
{
	return offset < 0 ? -EINVAL : vector(fd, IO_WRITE, iov, count, offset, 0);
}

DEFINE_SYSCALL6(preadv2, s32, fd, uva, iov, u32, count, s64, offset, u64, high, u32, flags)
{
	(void)high;
	return offset < IO_AT_POS ? -EINVAL : vector(fd, IO_READ, iov, count, offset, flags);
}

DEFINE_SYSCALL6(pwritev2, s32, fd, uva, iov, u32, count, s64, offset, u64, high, u32, flags)
{
	(void)high;
	return offset < IO_AT_POS ? -EINVAL : vector(fd, IO_WRITE, iov, count, offset, flags);
}

/*
 * Returns how many bytes one vmsplice(2) moves at most. On Linux each page of the program takes a
 * page of the pipe, even if only its end is moved.
 */
static u64 vmsplice_most(struct ofile *f, uva user_iov)
{
	s64 size = ofile_fcntl(f, F_GETPIPE_SZ, 0);
	struct iovec first;

	if (size < (s64)PAGE_SIZE || get_user(&first, user_iov))
		return RW_MAX;
	return (u64)size - ((u64)first.iov_base & (PAGE_SIZE - 1));
}

/* Returns true if a transfer would not wait, by what the host's poll says of the pipe. */
static bool is_ready(struct ofile *f, enum io_direction dir)
{
	struct pollfd p = {.events = dir == IO_READ ? POLLIN : POLLOUT};
	s64 handle = ofile_poll_handle(f);

	p.fd = (s32)handle;
	return handle >= 0 && hc_poll(&p, sizeof(p), 0) > 0;
}

/*
 * Moves as many bytes as the pipe has or takes without waiting. If that is none, waits as a read,
 * or a write of one page, does. A pipe of the host's does not support RWF_NOWAIT: it is asked first
 * whether it is ready.
 */
static s64 vmsplice(struct ofile *f, uva iov, u32 count, bool nonblock)
{
	enum io_direction dir = (f->flags & O_ACCMODE) == O_RDONLY ? IO_READ : IO_WRITE;
	u64 most = dir == IO_READ ? RW_MAX : vmsplice_most(f, iov);
	s64 r = vector_of(f, dir, iov, count, IO_AT_POS, RWF_NOWAIT, most);

	if (r == -EOPNOTSUPP && nonblock && !is_ready(f, dir))
		r = -EAGAIN;
	if (r != -EOPNOTSUPP && (nonblock || r != -EAGAIN))
		return r;
	if (dir == IO_WRITE && (r == -EAGAIN || nonblock))
		most = PAGE_SIZE;
	return vector_of(f, dir, iov, count, IO_AT_POS, 0, most);
}

/* Copies the bytes: the kernel does not move pages into a pipe. SPLICE_F_GIFT is only advice. */
DEFINE_SYSCALL4(vmsplice, s32, fd, uva, iov, u64, count, u32, flags)
{
	struct ofile *f;
	s64 r = -EBADF;

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	f = fd_get(fd);
	if (f && ofile_type(f) == S_IFIFO)
		r = vmsplice(f, iov, (u32)MIN(count, (u64)UIO_MAXIOV + 1),
			     flags & SPLICE_F_NONBLOCK);
	ofile_put(f);
	return r;
}

DEFINE_SYSCALL3(lseek, s32, fd, s64, offset, u32, whence)
{
	struct ofile *f = fd_get(fd);
	s64 r = f ? -EINVAL : -EBADF;

	if (f && whence <= SEEK_HOLE)
		r = ofile_seek(f, offset, whence);
	ofile_put(f);
	return r;
}
