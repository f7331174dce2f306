// SPDX-License-Identifier: MIT
/*
 * System calls that move bytes. The program's pages go to the host as they are (user_segs), so
 * nothing is copied here. A request may be larger than one hostcall takes: it is then done in
 * pieces, and what a partial result means depends on the file, see transfer().
 */
#include <linux/fs.h>
#include <linux/uio.h>
#include "kernel/fs/bounce.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/tty.h"
#include "kernel/fs/signalfd.h"
#include "kernel/ipc/cookie.h"
#include "kernel/ipc/mqueue.h"

#define RW_MAX	  0x7ffff000UL /* bytes a read or write moves at most: read(2) */
#define IOV_FEW	  8	       /* more are not kept on the stack */
#define AT_POS	  (-1L)	       /* offset: the file's own position */
#define PROC_TEXT 4096	       /* longest write to a file of our /proc */

enum direction { READ, WRITE };

/* A request: buffers of the program, and how far the transfer has come. */
struct request {
	enum direction dir;
	const struct iovec *iov;
	u32 count;
	u64 left;   /* bytes not asked for yet */
	u64 done;   /* bytes of iov[0] that were */
	s64 offset; /* or AT_POS */
	u32 flags;  /* RWF_* */
};

/* Pins the next piece. Bytes, or -EFAULT when not one byte of it is there. */
static s64 next_piece(struct request *rq, struct user_segs *segs)
{
	u64 start = segs->bytes;

	while (rq->left && rq->count) {
		u64 want = MIN(rq->iov->iov_len - rq->done, rq->left), got;
		u64 before = segs->bytes;
		int err = 0;

		if (want)
			err = user_segs_add(segs, (u64)rq->iov->iov_base + rq->done, want,
					    rq->dir == READ);
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

/* The transfer has come so far: the next piece begins there. */
static void go_to(struct request *rq, const struct request *whole, u64 total)
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

/* What a kick ended, and no signal, is not over: only a signal may cut a write short. */
static bool cut_by_kick(const struct request *rq)
{
	if (rq->dir == READ)
		return false;
	signal_upcall();
	return !signal_pending();
}

static s64 host_transfer(struct ofile *f, const struct request *rq, const struct segs *segs)
{
	if (rq->dir == READ)
		return rq->offset == AT_POS && !rq->flags
			       ? hc_readv(f->handle, segs)
			       : hc_preadv2(f->handle, segs, rq->offset, rq->flags);
	return rq->offset == AT_POS && !rq->flags
		       ? hc_writev(f->handle, segs)
		       : hc_pwritev2(f->handle, segs, rq->offset, rq->flags);
}

/*
 * rq is what is left of whole: because there were too many pieces; or whole is in pieces, of a file
 * that the host reads one by one, so that a record which fits none of them would have to wait.
 */
static bool must_not_be_cut(struct ofile *f, const struct request *rq, const struct request *whole,
			    const struct user_segs *segs)
{
	if (whole->left > BOUNCE_MAX)
		return false;
	if (rq->left && segs->segs.count == HOSTCALL_SEGS_MAX)
		return ofile_type(f) != S_IFREG;
	return f->records && whole->count == 1 && segs->segs.count > 1;
}

static s64 bounced(struct ofile *f, const struct request *rq)
{
	struct bounce b;
	s64 r = bounce_get(&b, rq->iov, rq->count, rq->left, rq->dir == WRITE);

	if (r < 0)
		return r;
	r = host_transfer(f, rq, &b.segs);
	if (r > 0 && rq->dir == READ)
		r = bounce_scatter(&b, r);
	bounce_put(&b);
	return r;
}

/* RLIMIT_FSIZE: how many of len bytes may be written at pos. -EFBIG, with SIGXFSZ, when none. */
static s64 below_limit(u64 pos, u64 len)
{
	u64 limit = current_process()->rlimit[RLIMIT_FSIZE].cur;

	if (len && pos >= limit) {
		fs_signal(SIGXFSZ);
		return -EFBIG;
	}
	return len ? MIN(len, limit - pos) : 0;
}

/* Where a write will begin. */
static s64 write_position(struct ofile *f, const struct request *rq)
{
	struct stat st;
	s64 flags = fs_nointr(hc_fcntl(f->handle, F_GETFL, 0)), r;

	if (flags < 0)
		return flags;
	if (flags & O_APPEND || rq->flags & RWF_APPEND) {
		r = fs_nointr(hc_fstat(f->handle, &st, sizeof(st)));
		return r < 0 ? r : st.st_size;
	}
	return rq->offset == AT_POS ? fs_nointr(hc_lseek(f->handle, 0, SEEK_CUR)) : rq->offset;
}

/* Takes what RLIMIT_FSIZE does not allow off a write. Costs nothing where there is no limit. */
static s64 limit_write(struct ofile *f, struct request *rq)
{
	s64 r;

	if (rq->dir == READ || current_process()->rlimit[RLIMIT_FSIZE].cur == RLIM_INFINITY ||
	    ofile_type(f) != S_IFREG)
		return 0;
	r = write_position(f, rq);
	if (r >= 0)
		r = below_limit(r, rq->left);
	if (r >= 0)
		rq->left = r;
	return r;
}

/*
 * Piece by piece while each is moved wholly. A reader of anything but a file gets what one host
 * call gives, for the rest may never come; a writer waits on Linux, too, until all is taken. An
 * error after the first piece is kept for the next call, as read(2) and write(2) do.
 */
static s64 transfer(struct ofile *f, struct request *rq)
{
	const struct request whole = *rq;
	s64 total = 0, r;

	do {
		struct user_segs *segs = user_segs_new();
		bool in_one;
		s64 piece;

		if (!segs)
			return total ? total : -ENOMEM;
		piece = r = next_piece(rq, segs);
		in_one = !total && must_not_be_cut(f, rq, &whole, segs);
		if (r >= 0 && !in_one)
			r = host_transfer(f, rq, &segs->segs);
		user_segs_put(segs);
		if (in_one)
			r = bounced(f, &whole);
		if (r == -EPIPE && rq->dir == WRITE)
			fs_signal(SIGPIPE);
		if (r == -EINTR && !total && ofile_type(f) == S_IFSOCK)
			return fs_restart_socket(f->handle, rq->dir == WRITE, r);
		if (r < 0)
			return total ? total : fs_restart(r);
		total += r;
		user_segs_continue((u64)total);
		if (rq->offset != AT_POS)
			rq->offset += r;
		if (r < piece && !in_one && r > 0 && cut_by_kick(rq))
			go_to(rq, &whole, (u64)total);
		else if (in_one || r < piece)
			break;
	} while (rq->left && (rq->dir == WRITE || ofile_type(f) == S_IFREG));
	return total;
}

/* A write to /proc: the text is for the kernel. */
static s64 write_proc(struct ofile *f, const struct request *rq)
{
	u64 len = rq->count ? MIN(rq->iov->iov_len, (u64)PROC_TEXT - 1) : 0;
	char *text;
	s64 r;

	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!len)
		return 0;
	text = kmalloc(PROC_TEXT);
	if (!text)
		return -ENOMEM;
	r = copy_from_user(text, (u64)rq->iov->iov_base, len);
	if (r >= 0) {
		text[len] = 0;
		r = proc_write(f, text, len);
	}
	kfree(text);
	return r;
}

static s64 run_proc(struct ofile *f, struct request *rq)
{
	s64 r = 0;

	if (rq->dir == WRITE)
		return write_proc(f, rq);
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (rq->offset == 0)
		r = proc_refresh(f);
	return r < 0 ? r : transfer(f, rq);
}

static s64 run_signalfd(struct ofile *f, const struct request *rq)
{
	if (rq->offset != AT_POS)
		return -ESPIPE;
	if (rq->dir == WRITE || !rq->count)
		return -EINVAL;
	return signalfd_read(f, (u64)rq->iov->iov_base, rq->iov->iov_len);
}

/* What a terminal's user types comes this way. */
static s64 write_master(struct ofile *f, struct request *rq)
{
	const struct iovec *iov = rq->iov;
	s64 r = transfer(f, rq);

	for (s64 left = r; left > 0; left -= (s64)iov++->iov_len)
		tty_master_written(f, (u64)iov->iov_base, MIN(iov->iov_len, (u64)left));
	return r;
}

static s64 transfer_host(struct ofile *f, struct request *rq)
{
	const struct iovec *iov = rq->iov;
	u32 count = rq->count;
	s64 r = limit_write(f, rq);

	if (r < 0)
		return r;
	if (rq->dir == WRITE)
		return f->tty_master ? write_master(f, rq) : transfer(f, rq);
	return cookie_received(f, iov, count, transfer(f, rq), 0, NULL);
}

static s64 run(s32 fd, struct request *rq)
{
	struct ofile *f = fd_get(fd);
	s64 r;

	if (!f)
		return -EBADF;
	switch (f->kind) {
	case OFILE_PROC:
		r = run_proc(f, rq);
		break;
	case OFILE_SIGNALFD:
		r = run_signalfd(f, rq);
		break;
	case OFILE_PIDFD:
		r = -EINVAL;
		break;
	case OFILE_MQUEUE:
		r = rq->dir == WRITE || !rq->count
			    ? -EINVAL
			    : mqueue_read(f, (u64)rq->iov->iov_base, rq->iov->iov_len);
		break;
	default:
		r = tty_check(f, rq->dir == READ ? TTY_READ : TTY_WRITE);
		if (r >= 0)
			r = transfer_host(f, rq);
	}
	ofile_put(f);
	return r;
}

static s64 one_buffer(s32 fd, enum direction dir, uva buf, u64 len, s64 offset)
{
	const struct iovec iov = {(void *)buf, MIN(len, RW_MAX)};
	struct request rq = {
		.dir = dir, .iov = &iov, .count = 1, .left = iov.iov_len, .offset = offset};

	return run(fd, &rq);
}

static s64 vector(s32 fd, enum direction dir, uva user_iov, u32 count, s64 offset, u32 flags)
{
	struct iovec few[IOV_FEW], *iov = few;
	struct request rq = {.dir = dir, .count = count, .offset = offset, .flags = flags};
	u64 sum = 0;
	s64 r;

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
		sum = MIN(sum + iov[i].iov_len, RW_MAX);
	}
	if (r >= 0) {
		rq.iov = iov;
		rq.left = sum;
		r = run(fd, &rq);
	}
	if (iov != few)
		kfree(iov);
	return r;
}

DEFINE_SYSCALL3(read, s32, fd, uva, buf, u64, len)
{
	return one_buffer(fd, READ, buf, len, AT_POS);
}

DEFINE_SYSCALL3(write, s32, fd, uva, buf, u64, len)
{
	return one_buffer(fd, WRITE, buf, len, AT_POS);
}

DEFINE_SYSCALL4(pread64, s32, fd, uva, buf, u64, len, s64, offset)
{
	return offset < 0 ? -EINVAL : one_buffer(fd, READ, buf, len, offset);
}

DEFINE_SYSCALL4(pwrite64, s32, fd, uva, buf, u64, len, s64, offset)
{
	return offset < 0 ? -EINVAL : one_buffer(fd, WRITE, buf, len, offset);
}

DEFINE_SYSCALL3(readv, s32, fd, uva, iov, u32, count)
{
	return vector(fd, READ, iov, count, AT_POS, 0);
}

DEFINE_SYSCALL3(writev, s32, fd, uva, iov, u32, count)
{
	return vector(fd, WRITE, iov, count, AT_POS, 0);
}

/* The fifth argument of these is the upper half of the offset on 32-bit machines only. */
DEFINE_SYSCALL4(preadv, s32, fd, uva, iov, u32, count, s64, offset)
{
	return offset < 0 ? -EINVAL : vector(fd, READ, iov, count, offset, 0);
}

DEFINE_SYSCALL4(pwritev, s32, fd, uva, iov, u32, count, s64, offset)
{
	return offset < 0 ? -EINVAL : vector(fd, WRITE, iov, count, offset, 0);
}

DEFINE_SYSCALL6(preadv2, s32, fd, uva, iov, u32, count, s64, offset, u64, high, u32, flags)
{
	(void)high;
	return offset < AT_POS ? -EINVAL : vector(fd, READ, iov, count, offset, flags);
}

DEFINE_SYSCALL6(pwritev2, s32, fd, uva, iov, u32, count, s64, offset, u64, high, u32, flags)
{
	(void)high;
	return offset < AT_POS ? -EINVAL : vector(fd, WRITE, iov, count, offset, flags);
}

/* Copies, for the page tables are not given away: SPLICE_F_GIFT is only advice. */
DEFINE_SYSCALL4(vmsplice, s32, fd, uva, iov, u64, count, u32, flags)
{
	struct ofile *f = fd_get(fd);
	s64 r = -EBADF;

	(void)flags;
	if (f && ofile_type(f) == S_IFIFO)
		r = vector(fd, (f->flags & O_ACCMODE) == O_RDONLY ? READ : WRITE, iov,
			   MIN(count, (u64)UIO_MAXIOV + 1), AT_POS, 0);
	ofile_put(f);
	return r;
}

DEFINE_SYSCALL3(lseek, s32, fd, s64, offset, u32, whence)
{
	struct ofile *f = fd_get(fd);
	s64 r = 0;

	if (!f)
		return -EBADF;
	if (f->kind == OFILE_PROC_DIR) {
		if (whence == SEEK_CUR)
			offset += f->pos;
		r = whence > SEEK_CUR || offset < 0 ? -EINVAL : proc_seek(f, offset);
	} else {
		/* Who goes back to the start of a file of /proc wants to see it as it is now. */
		if (f->kind == OFILE_PROC && offset == 0 && whence == SEEK_SET)
			r = proc_refresh(f);
		if (r >= 0)
			r = fs_nointr(hc_lseek(f->handle, offset, whence));
	}
	ofile_put(f);
	return r;
}
