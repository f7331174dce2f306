// SPDX-License-Identifier: MIT
/*
 * eventfd(2): a counter that threads wait for. The kernel keeps it until the host has to know it,
 * as it keeps pipes (fs/pipe.c). Then the eventfd moves (fs/movable.h): the kernel makes an eventfd
 * with the same value on the host, and sleeping threads go on there. The host has the count then.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/io.h"
#include "kernel/fs/movable.h"
#include "kernel/fs/waitq.h"

/* eventfd(2); glibc has the flags in <sys/eventfd.h>. */
#define EFD_SEMAPHORE 1
#define EFD_NONBLOCK  O_NONBLOCK
#define EFD_CLOEXEC   O_CLOEXEC

#define COUNT_MAX     (~0UL - 1) /* eventfd(2) */

struct eventfd {
	struct ofile file;
	struct mutex lock; /* guards all below */
	u64 count;
	bool semaphore;	      /* EFD_SEMAPHORE */
	u32 id;		      /* only for /proc/PID/fdinfo */
	struct waitq waiters; /* POLLIN, POLLOUT */
};

static const struct file_ops eventfd_ops;

static struct eventfd *eventfd_of(struct ofile *f)
{
	_Static_assert(offsetof(struct eventfd, file) == 0, "the cast is right");
	return (struct eventfd *)f;
}

static s64 eventfd_to_host(struct ofile *f)
{
	struct eventfd *e = eventfd_of(f);
	struct hostcall_seg seg[2];
	struct wakeups w = {0};
	struct segs segs;
	s64 r = 0, handle;

	mutex_lock(&e->lock);
	if (!movable_on_host(&e->file)) {
		r = handle = hc_eventfd2(0, (f->flags & O_NONBLOCK) |
						    (e->semaphore ? EFD_SEMAPHORE : 0));
		if (r >= 0 && e->count)
			r = kernel_segs(seg, 2, &e->count, sizeof(e->count), &segs);
		if (r >= 0 && e->count)
			r = hc_writev((s32)handle, &segs);
		if (r < 0 && handle >= 0)
			hc_close((s32)handle);
		if (r >= 0) {
			__atomic_store_n(&f->handle, (s32)handle, __ATOMIC_RELEASE);
			waitq_wake(&e->waiters, ~0U, true, &w);
		}
	}
	mutex_unlock(&e->lock);
	wakeups_send(&w);
	return fs_nointr(MIN(r, 0L));
}

/*
 * Waits for one of these events, or until the file moves. Releases e->lock, which the caller holds,
 * during the wait. Returns 0 or -ERESTARTSYS.
 */
UNCHECKED_LOCKING static s64 wait_for(struct eventfd *e, u32 events)
{
	struct sleeper s = SLEEPER_INIT;
	struct wait_entry entry = {.sleeper = &s, .events = events};
	s64 r;

	ASSERT_HELD(&e->lock);
	waitq_add(&e->waiters, &entry);
	mutex_unlock(&e->lock);
	r = sleeper_sleep(&s, SLEEP_FOREVER);
	mutex_lock(&e->lock);
	waitq_remove(&e->waiters, &entry);
	return r < 0 ? -ERESTARTSYS : 0;
}

static s64 eventfd_read(struct ofile *f, struct io_request *rq)
{
	struct eventfd *e = eventfd_of(f);
	struct wakeups w = {0};
	u64 value = 0;
	bool on_host;
	s64 r = 0;

	if (rq->offset != IO_AT_POS || rq->flags & ~(u32)IO_FLAGS_KNOWN)
		return movable_pass_on(f, rq);
	if (rq->left < sizeof(value))
		return -EINVAL;
	mutex_lock(&e->lock);
	while (r >= 0 && !movable_on_host(&e->file) && !e->count)
		r = io_nonblocking(f, rq) ? -EAGAIN : wait_for(e, POLLIN);
	on_host = movable_on_host(f);
	if (!on_host && e->count) {
		r = 0;
		value = e->semaphore ? 1 : e->count;
		e->count -= value;
		waitq_wake(&e->waiters, POLLOUT, true, &w);
	}
	mutex_unlock(&e->lock);
	wakeups_send(&w);
	if (on_host)
		return movable_pass_on(f, rq);
	if (r >= 0)
		r = io_copy_out(rq, &value, sizeof(value));
	return r < 0 ? r : (s64)sizeof(value);
}

static s64 eventfd_write(struct ofile *f, struct io_request *rq)
{
	const struct io_request whole = *rq;
	struct eventfd *e = eventfd_of(f);
	struct wakeups w = {0};
	bool on_host;
	u64 value;
	s64 r;

	if (rq->offset != IO_AT_POS || rq->flags & ~(u32)IO_FLAGS_KNOWN)
		return movable_pass_on(f, rq);
	if (rq->left < sizeof(value))
		return -EINVAL;
	r = io_copy_in(rq, &value, sizeof(value), 0);
	if (r < 0)
		return r;
	if (value > COUNT_MAX)
		return -EINVAL;
	mutex_lock(&e->lock);
	while (r >= 0 && !movable_on_host(&e->file) && value > COUNT_MAX - e->count)
		r = io_nonblocking(f, rq) ? -EAGAIN : wait_for(e, POLLOUT);
	on_host = movable_on_host(f);
	if (!on_host && value <= COUNT_MAX - e->count) {
		r = 0;
		e->count += value;
		waitq_wake(&e->waiters, POLLIN, true, &w);
	}
	mutex_unlock(&e->lock);
	wakeups_send(&w);
	if (on_host) {
		*rq = whole;
		return movable_pass_on(f, rq);
	}
	return r < 0 ? r : (s64)sizeof(value);
}

static s64 eventfd_poll(struct ofile *f, struct wait_entry *entry)
{
	struct eventfd *e = eventfd_of(f);
	s64 r = -EREMOTE;

	mutex_lock(&e->lock);
	if (!movable_on_host(&e->file)) {
		r = (e->count ? POLLIN : 0) | (e->count < COUNT_MAX ? POLLOUT : 0);
		if (entry)
			waitq_add(&e->waiters, entry);
	}
	mutex_unlock(&e->lock);
	return r;
}

static void eventfd_unpoll(struct ofile *f, struct wait_entry *entry)
{
	struct eventfd *e = eventfd_of(f);

	mutex_lock(&e->lock);
	waitq_remove(&e->waiters, entry);
	mutex_unlock(&e->lock);
}

static s64 eventfd_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	return movable_set_flags(f, fd, flags, &eventfd_of(f)->lock, MOVABLE_FLAGS);
}

static s64 eventfd_name(struct ofile *f, char *buf, u64 size)
{
	(void)f;
	return movable_name("anon_inode:[eventfd]", buf, size);
}

/* The host knows the counter of one that has moved. */
static void eventfd_info(struct ofile *f, struct file_info *info)
{
	struct eventfd *e = eventfd_of(f);

	mutex_lock(&e->lock);
	if (!movable_on_host(&e->file))
		snprintf(info->more, sizeof(info->more),
			 "eventfd-count: %16lx\neventfd-id: %u\neventfd-semaphore: %d\n", e->count,
			 e->id, e->semaphore);
	mutex_unlock(&e->lock);
}

static const struct file_ops eventfd_ops = {
	.size = sizeof(struct eventfd),
	.all_on_host = true, /* it moves before it goes into a message */
	.read = eventfd_read,
	.write = eventfd_write,
	.seek = movable_seek,
	.poll = eventfd_poll,
	.unpoll = eventfd_unpoll,
	.to_host = eventfd_to_host,
	.poll_handle = ofile_handle,
	.ioctl = movable_ioctl,
	.get_flags = movable_get_flags,
	.set_flags = eventfd_set_flags,
	.name = eventfd_name,
	.info = eventfd_info,
};

DEFINE_SYSCALL2(eventfd2, u32, value, u32, flags)
{
	static u32 ids;
	struct ofile *f;
	s32 fd;

	if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	f = ofile_new(&eventfd_ops, -1, O_RDWR | (flags & EFD_NONBLOCK));
	if (!f)
		return -ENOMEM;
	mutex_init(&eventfd_of(f)->lock, LOCK_EVENTFD);
	waitq_init(&eventfd_of(f)->waiters);
	eventfd_of(f)->count = value;
	eventfd_of(f)->id = __atomic_fetch_add(&ids, 1, __ATOMIC_RELAXED);
	eventfd_of(f)->semaphore = flags & EFD_SEMAPHORE;
	fd = fd_install(f, 0, flags & EFD_CLOEXEC);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

DEFINE_SYSCALL1(eventfd, u32, value)
{
	return do_eventfd2(value, 0);
}
