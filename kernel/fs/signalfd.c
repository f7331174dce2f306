// SPDX-License-Identifier: MIT
/*
 * signalfd(2). A read takes pending signals from the thread and the process. For poll and epoll,
 * the file has an eventfd on the host, whose counter is 1 while a signal of the mask may be
 * pending, else 0. If such a signal is delivered to a handler, the counter stays 1 until the next
 * read finds no signal.
 */
#include <linux/signalfd.h>
#include <asm/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/signalfd.h"

struct signalfd {
	struct ofile file;
	LIST_ENTRY(signalfd) link; /* of all */
	sigset mask;
	bool readable; /* the eventfd's counter is 1 */
};

static LIST_HEAD(, signalfd) all;
static struct mutex signalfd_lock =
	MUTEX_INIT(LOCK_SIGNALFD); /* guards all above; task_lock is outside, no lock inside */

static const struct file_ops signalfd_ops;

/* Returns f as a signalfd; NULL: f is of another kind. */
static struct signalfd *signalfd_of(struct ofile *f)
{
	_Static_assert(offsetof(struct signalfd, file) == 0, "the cast is right");
	return f->ops == &signalfd_ops ? (struct signalfd *)f : NULL;
}

/* Sets the eventfd's counter. Its value is known, so neither the read nor the write can wait. */
static void set_readable(struct signalfd *s, bool readable)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	u64 one = 1;

	ASSERT_HELD(&signalfd_lock);
	if (s->readable == readable || kernel_segs(seg, 2, &one, sizeof(one), &segs) < 0)
		return;
	if (readable)
		hc_writev(s->file.handle, &segs);
	else
		hc_readv(s->file.handle, &segs);
	s->readable = readable;
}

void signalfd_notify(int sig)
{
	struct signalfd *s;

	ASSERT_HELD(&task_lock);
	if (LIST_EMPTY(&all))
		return;
	mutex_lock(&signalfd_lock);
	LIST_FOREACH (s, &all, link) {
		if (s->mask & SIGBIT(sig))
			set_readable(s, true);
	}
	mutex_unlock(&signalfd_lock);
}

/* Sets the mask unless it is NULL, and the counter by what is pending for the running thread. */
static void look_again(struct signalfd *s, const sigset *mask)
{
	mutex_lock(&task_lock);
	mutex_lock(&signalfd_lock);
	if (mask)
		s->mask = *mask;
	set_readable(s, (current()->pending.set | current_process()->pending.set) & s->mask);
	mutex_unlock(&signalfd_lock);
	mutex_unlock(&task_lock);
}

static void signalfd_release(struct ofile *f)
{
	mutex_lock(&signalfd_lock);
	LIST_REMOVE(signalfd_of(f), link);
	mutex_unlock(&signalfd_lock);
}

/* Which fields a signal has depends on its source: signalfd(2), sigaction(2). */
static void convert(struct signalfd_siginfo *out, const siginfo_t *info)
{
	*out = (struct signalfd_siginfo){
		.ssi_signo = info->si_signo,
		.ssi_errno = info->si_errno,
		.ssi_code = info->si_code,
	};
	if (info->si_code == SI_TIMER) {
		out->ssi_tid = info->si_tid;
		out->ssi_overrun = info->si_overrun;
		out->ssi_ptr = (u64)info->si_ptr;
		out->ssi_int = info->si_int;
		return;
	}
	if (info->si_code > 0 && info->si_signo == SIGPOLL) {
		out->ssi_band = info->si_band;
		out->ssi_fd = info->si_fd;
		return;
	}
	out->ssi_pid = info->si_pid;
	out->ssi_uid = info->si_uid;
	if (info->si_code > 0 && info->si_signo == SIGCHLD) {
		out->ssi_status = info->si_status;
		out->ssi_utime = info->si_utime;
		out->ssi_stime = info->si_stime;
	} else if (info->si_code < 0) {
		out->ssi_ptr = (u64)info->si_ptr;
		out->ssi_int = info->si_int;
	}
}

/* Takes the signals that are pending now. Returns bytes, 0 if there are none, or -EFAULT. */
static s64 take(struct signalfd *s, u64 buf, u64 len)
{
	struct signalfd_siginfo out;
	siginfo_t info;
	u64 done = 0;

	while (len - done >= sizeof(out) && signal_take(s->mask, &info)) {
		convert(&out, &info);
		if (copy_to_user(buf + done, &out, sizeof(out)) < 0)
			return done ? (s64)done : -EFAULT;
		done += sizeof(out);
	}
	return done;
}

/* As take, but waits for the first signal. */
static s64 wait_and_take(struct ofile *f, u64 buf, u64 len)
{
	struct signalfd *s = signalfd_of(f);
	s64 r;

	if (len < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	for (;;) {
		struct pollfd pfd = {.fd = f->handle, .events = POLLIN};

		r = take(s, buf, len);
		look_again(s, NULL);
		if (r)
			return r;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		r = FS_WAIT(timeout, FS_FOREVER, hc_poll(&pfd, sizeof(pfd), timeout));
		if (r < 0)
			return fs_restart(r);
	}
}

static s64 signalfd_read(struct ofile *f, struct io_request *rq)
{
	if (rq->offset != IO_AT_POS)
		return -ESPIPE;
	if (!rq->count)
		return -EINVAL;
	return wait_and_take(f, (u64)rq->iov->iov_base, rq->iov->iov_len);
}

static s64 signalfd_write(struct ofile *f, struct io_request *rq)
{
	(void)f;
	return rq->offset != IO_AT_POS ? -ESPIPE : -EINVAL;
}

static void signalfd_info(struct ofile *f, struct file_info *info)
{
	mutex_lock(&signalfd_lock);
	snprintf(info->more, sizeof(info->more), "sigmask:\t%016lx\n", signalfd_of(f)->mask);
	mutex_unlock(&signalfd_lock);
}

static const struct file_ops signalfd_ops = {
	.size = sizeof(struct signalfd),
	.never_writable = true,
	.read = signalfd_read,
	.write = signalfd_write,
	.seek = host_seek,
	.poll_handle = host_poll_handle,
	.ioctl = host_ioctl,
	.get_flags = host_get_flags,
	.set_flags = host_set_flags,
	.info = signalfd_info,
	.release = signalfd_release,
};

static s64 create(sigset mask, u32 flags)
{
	struct signalfd *s;
	struct ofile *f;
	s64 handle = fs_nointr(hc_eventfd2(0, flags & O_NONBLOCK));
	s32 fd;

	if (handle < 0)
		return handle;
	f = ofile_new(&signalfd_ops, handle, O_RDWR | (flags & O_NONBLOCK));
	if (!f) {
		hc_close(handle);
		return -ENOMEM;
	}
	s = signalfd_of(f);
	mutex_lock(&signalfd_lock);
	LIST_INSERT_HEAD(&all, s, link);
	mutex_unlock(&signalfd_lock);
	look_again(s, &mask);
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

DEFINE_SYSCALL4(signalfd4, s32, fd, uva, user_mask, u64, size, u32, flags)
{
	struct ofile *f;
	sigset mask;

	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK) || size != sizeof(mask))
		return -EINVAL;
	if (get_user(&mask, user_mask) < 0)
		return -EFAULT;
	mask &= ~SIGNALS_FORCED;
	if (fd == -1)
		return create(mask, flags);
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (signalfd_of(f))
		look_again(signalfd_of(f), &mask);
	else
		fd = -EINVAL;
	ofile_put(f);
	return fd;
}

DEFINE_SYSCALL3(signalfd, s32, fd, uva, user_mask, u64, size)
{
	return do_signalfd4(fd, user_mask, size, 0);
}
