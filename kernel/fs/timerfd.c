// SPDX-License-Identifier: MIT
/*
 * timerfd_create(2). A timer of CLOCK_MONOTONIC is the kernel's until the host has to know it
 * (fs/movable.h). The other clocks can be set, or go on while the machine sleeps, and only the host
 * learns of that: their timers are the host's from the start.
 *
 * Whether a timer is due is found by the clock, whenever somebody asks. Only for a timer that a
 * thread or an epoll waits for the kernel needs an alarm: those are in the tree `awaited`, and the
 * scheduler's alarm is set for the first of them. It ends the sleep of idle vCPUs, and not that of
 * a thread in the host. So a timer moves when a thread is to wait for it and for files of the host
 * at once (.moves_to_wait of struct file_ops).
 *
 * As on Linux a timer with an interval stops when it expires; the next read or timerfd_gettime(2)
 * counts the intervals since then, and sets it again.
 */
#include <bsd/sys/tree.h>
#include <linux/poll.h>
#include <linux/time.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/movable.h"
#include "kernel/fs/timerfd.h"
#include "kernel/fs/waitq.h"
#include "kernel/park.h"
#include "kernel/time/clock.h"

/* timerfd_create(2); glibc has the flags in <sys/timerfd.h>. */
#define TFD_TIMER_ABSTIME	(1 << 0)
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)
#define TFD_NONBLOCK		O_NONBLOCK
#define TFD_CLOEXEC		O_CLOEXEC

#define READABLE		(POLLIN | POLLRDNORM)
#define NEVER			(~0UL)

struct timerfd {
	struct ofile file;
	RB_ENTRY(timerfd) link; /* of awaited */
	bool queued;		/* is in awaited */
	u64 due;		/* the next or last expiration; 0: not armed */
	u64 interval;		/* 0: none */
	bool expired;		/* due has passed, and is one of ticks */
	u64 ticks;		/* expirations that no read has taken */
	u32 flags;		/* of timerfd_settime(2) */
	struct waitq waiters;	/* READABLE */
};

static struct mutex timerfd_lock = MUTEX_INIT(LOCK_TIMERFD); /* guards all timers */

/* Timers that are due at the same time are ordered by address. */
static int compare(const struct timerfd *a, const struct timerfd *b)
{
	if (a->due != b->due)
		return a->due < b->due ? -1 : 1;
	return a == b ? 0 : a < b ? -1 : 1;
}

/* Those that will expire, and that somebody waits for. */
static RB_HEAD(timerfd_tree, timerfd) awaited GUARDED_BY(timerfd_lock);
static u64 alarm_ns GUARDED_BY(timerfd_lock) = NEVER; /* what the scheduler's alarm is set to */

#define UNUSED_STATIC __attribute__((unused)) static
RB_GENERATE_INTERNAL(timerfd_tree, timerfd, link, compare, UNUSED_STATIC)

static const struct file_ops timerfd_ops;

/* Returns f as a timer of the kernel's; NULL: it is another kind of file. */
static struct timerfd *timerfd_of(struct ofile *f)
{
	_Static_assert(offsetof(struct timerfd, file) == 0, "the cast is right");
	return f->ops == &timerfd_ops ? (struct timerfd *)f : NULL;
}

/* -- Expiration -------------------------------------------------------------------------------- */

static void set_alarm(void)
{
	const struct timerfd *first = RB_MIN(timerfd_tree, &awaited);
	const u64 when = first ? first->due : NEVER;

	ASSERT_HELD(&timerfd_lock);
	if (when != alarm_ns)
		park_alarm(when);
	alarm_ns = when;
}

static void dequeue(struct timerfd *t)
{
	if (t->queued)
		RB_REMOVE(timerfd_tree, &awaited, t);
	t->queued = false;
}

/* Called after the timer or its waiters have changed, and while it is not queued. */
static void enqueue(struct timerfd *t)
{
	ASSERT_HELD(&timerfd_lock);
	t->queued = t->due && !t->expired && !TAILQ_EMPTY(&t->waiters.entries);
	if (t->queued)
		RB_INSERT(timerfd_tree, &awaited, t);
}

/* Finds out whether the timer is due. */
static void look(struct timerfd *t, u64 now, struct wakeups *w)
{
	ASSERT_HELD(&timerfd_lock);
	if (!t->due || t->expired || now < t->due)
		return;
	dequeue(t);
	t->expired = true;
	t->ticks++;
	waitq_wake(&t->waiters, READABLE, true, w);
}

/* Sets a timer that has expired for its next interval. */
static void go_on(struct timerfd *t, u64 now)
{
	u64 more;

	ASSERT_HELD(&timerfd_lock);
	if (!t->expired || !t->interval)
		return;
	more = (now - t->due) / t->interval;
	t->ticks += more;
	t->due = MIN(t->due + (more + 1) * t->interval, (u64)INT64_MAX);
	t->expired = false;
	enqueue(t);
}

void timerfds_expire(u64 now)
{
	struct wakeups w = {0};
	struct timerfd *first;

	mutex_lock(&timerfd_lock);
	alarm_ns = NEVER;
	while ((first = RB_MIN(timerfd_tree, &awaited)) && first->due <= now)
		look(first, now, &w);
	set_alarm();
	mutex_unlock(&timerfd_lock);
	wakeups_send(&w);
}

/* Adds an entry to the timer's waiters, or removes it. */
static void set_waiter(struct timerfd *t, struct wait_entry *e, bool waits)
{
	ASSERT_HELD(&timerfd_lock);
	if (waits)
		waitq_add(&t->waiters, e);
	else
		waitq_remove(&t->waiters, e);
	dequeue(t);
	enqueue(t);
	set_alarm();
}

/* -- To the host ------------------------------------------------------------------------------- */

/* Returns the value by which the host's timer becomes what t is, and its flags. */
static struct __kernel_itimerspec value_for_host(const struct timerfd *t, u64 now, s32 *flags)
{
	struct __kernel_itimerspec spec = {.it_interval = clock_to_timespec(t->interval)};

	*flags = (s32)t->flags;
	if (t->ticks) {
		/* The moment of the first expiration that was not read: all are counted again. */
		*flags |= TFD_TIMER_ABSTIME;
		spec.it_value = clock_to_timespec(
			t->interval ? t->due - MIN(t->ticks * t->interval, t->due - 1) : t->due);
	} else if (t->due && !t->expired) {
		spec.it_value =
			clock_to_timespec(t->flags & TFD_TIMER_ABSTIME ? t->due : t->due - now);
	}
	return spec;
}

static s64 timerfd_to_host(struct ofile *f)
{
	struct timerfd *t = timerfd_of(f);
	struct __kernel_itimerspec spec, old;
	struct wakeups w = {0};
	s64 r = 0, handle;
	s32 flags;
	u64 now;

	mutex_lock(&timerfd_lock);
	if (!movable_on_host(f)) {
		now = clock_monotonic_ns();
		look(t, now, &w);
		go_on(t, now);
		spec = value_for_host(t, now, &flags);
		r = handle = hc_timerfd_create(CLOCK_MONOTONIC, f->flags & O_NONBLOCK);
		if (r >= 0)
			r = hc_timerfd_settime((s32)handle, flags, &spec, sizeof(spec), &old,
					       sizeof(old));
		if (r < 0 && handle >= 0)
			hc_close((s32)handle);
		if (r >= 0) {
			__atomic_store_n(&f->handle, (s32)handle, __ATOMIC_RELEASE);
			dequeue(t);
			t->due = 0;
			waitq_wake(&t->waiters, ~0U, true, &w);
		}
		set_alarm();
	}
	mutex_unlock(&timerfd_lock);
	wakeups_send(&w);
	return fs_nointr(MIN(r, 0L));
}

/* -- Reading and waiting ----------------------------------------------------------------------- */

/* Waits for an expiration, or until the file moves. Returns 0 or -ERESTARTSYS. */
UNCHECKED_LOCKING static s64 wait_for(struct timerfd *t)
{
	struct sleeper s = SLEEPER_INIT;
	struct wait_entry e = {.sleeper = &s, .events = READABLE};
	s64 r;

	ASSERT_HELD(&timerfd_lock);
	set_waiter(t, &e, true);
	mutex_unlock(&timerfd_lock);
	r = sleeper_sleep(&s, SLEEP_FOREVER);
	mutex_lock(&timerfd_lock);
	set_waiter(t, &e, false);
	return r < 0 ? -ERESTARTSYS : 0;
}

/* Takes all expirations. */
static u64 take(struct timerfd *t, u64 now)
{
	u64 ticks;

	ASSERT_HELD(&timerfd_lock);
	go_on(t, now);
	if (t->expired)
		t->due = 0; /* it has no interval */
	t->expired = false;
	set_alarm();
	ticks = t->ticks;
	t->ticks = 0;
	return ticks;
}

static s64 timerfd_read(struct ofile *f, struct io_request *rq)
{
	struct timerfd *t = timerfd_of(f);
	struct wakeups w = {0};
	u64 ticks = 0, now;
	bool on_host;
	s64 r = 0;

	if (rq->offset != IO_AT_POS || rq->flags)
		return movable_pass_on(f, rq);
	if (rq->left < sizeof(ticks))
		return -EINVAL;
	mutex_lock(&timerfd_lock);
	for (;;) {
		on_host = movable_on_host(f);
		now = clock_monotonic_ns();
		look(t, now, &w);
		if (on_host || t->ticks || r < 0)
			break;
		r = io_nonblocking(f, rq) ? -EAGAIN : wait_for(t);
	}
	if (!on_host && t->ticks)
		ticks = take(t, now);
	mutex_unlock(&timerfd_lock);
	wakeups_send(&w);
	if (on_host)
		return movable_pass_on(f, rq);
	if (ticks)
		r = io_copy_out(rq, &ticks, sizeof(ticks));
	return r < 0 ? r : (s64)sizeof(ticks);
}

static s64 timerfd_poll(struct ofile *f, struct wait_entry *e)
{
	struct timerfd *t = timerfd_of(f);
	struct wakeups w = {0};
	s64 r = -EREMOTE;

	mutex_lock(&timerfd_lock);
	if (!movable_on_host(f)) {
		look(t, clock_monotonic_ns(), &w);
		r = t->ticks ? READABLE : 0;
		if (e)
			set_waiter(t, e, true);
	}
	mutex_unlock(&timerfd_lock);
	wakeups_send(&w);
	return r;
}

static void timerfd_unpoll(struct ofile *f, struct wait_entry *e)
{
	mutex_lock(&timerfd_lock);
	set_waiter(timerfd_of(f), e, false);
	mutex_unlock(&timerfd_lock);
}

/* -- The rest ---------------------------------------------------------------------------------- */

static s64 timerfd_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	return movable_set_flags(f, fd, flags, &timerfd_lock, MOVABLE_FLAGS);
}

static s64 timerfd_name(struct ofile *f, char *buf, u64 size)
{
	(void)f;
	return movable_name("anon_inode:[timerfd]", buf, size);
}

/* Returns the time until the next expiration, and the interval. */
static struct __kernel_itimerspec left_of(const struct timerfd *t, u64 now)
{
	return (struct __kernel_itimerspec){
		.it_value = clock_to_timespec(t->due > now ? t->due - now : 0),
		.it_interval = clock_to_timespec(t->interval),
	};
}

/* The host knows the state of one that has moved. */
static void timerfd_info(struct ofile *f, struct file_info *info)
{
	struct timerfd *t = timerfd_of(f);
	struct __kernel_itimerspec left;
	struct wakeups w = {0};
	u64 now;

	mutex_lock(&timerfd_lock);
	if (!movable_on_host(f)) {
		now = clock_monotonic_ns();
		look(t, now, &w);
		left = left_of(t, now);
		snprintf(info->more, sizeof(info->more),
			 "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%lu, %lu)\n"
			 "it_interval: (%lu, %lu)\n",
			 CLOCK_MONOTONIC, t->ticks, t->flags, (u64)left.it_value.tv_sec,
			 (u64)left.it_value.tv_nsec, (u64)left.it_interval.tv_sec,
			 (u64)left.it_interval.tv_nsec);
	}
	mutex_unlock(&timerfd_lock);
	wakeups_send(&w);
}

static void timerfd_release(struct ofile *f)
{
	mutex_lock(&timerfd_lock);
	dequeue(timerfd_of(f));
	set_alarm();
	mutex_unlock(&timerfd_lock);
}

static const struct file_ops timerfd_ops = {
	.size = sizeof(struct timerfd),
	.all_on_host = true, /* it moves before it goes into a message */
	.moves_to_wait = true,
	.read = timerfd_read,
	.seek = movable_seek,
	.poll = timerfd_poll,
	.unpoll = timerfd_unpoll,
	.to_host = timerfd_to_host,
	.poll_handle = ofile_handle,
	.ioctl = movable_ioctl,
	.get_flags = movable_get_flags,
	.set_flags = timerfd_set_flags,
	.name = timerfd_name,
	.info = timerfd_info,
	.release = timerfd_release,
};

DEFINE_SYSCALL2(timerfd_create, u32, clock, u32, flags)
{
	struct ofile *f;
	s32 fd;

	if (flags & ~(u32)(TFD_NONBLOCK | TFD_CLOEXEC))
		return -EINVAL;
	if (clock != CLOCK_MONOTONIC)
		return fd_new(fs_nointr(hc_timerfd_create(clock, flags)), O_RDWR,
			      flags & TFD_CLOEXEC);
	f = ofile_new(&timerfd_ops, -1, O_RDWR | (flags & TFD_NONBLOCK));
	if (!f)
		return -ENOMEM;
	waitq_init(&timerfd_of(f)->waiters);
	fd = fd_install(f, 0, flags & TFD_CLOEXEC);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

/*
 * Reads the timer into *left, and sets it unless new is NULL. Returns 0, or -EREMOTE if the file
 * has moved.
 */
static s64 get_and_set(struct timerfd *t, u32 flags, const struct __kernel_itimerspec *new,
		       struct __kernel_itimerspec *left)
{
	struct wakeups w = {0};
	u64 now, first;
	s64 r = -EREMOTE;

	mutex_lock(&timerfd_lock);
	if (!movable_on_host(&t->file)) {
		r = 0;
		now = clock_monotonic_ns();
		look(t, now, &w);
		go_on(t, now);
		*left = left_of(t, now);
	}
	if (!r && new) {
		first = (u64)clock_from_timespec(&new->it_value);
		dequeue(t);
		t->flags = flags;
		t->interval = (u64)clock_from_timespec(&new->it_interval);
		t->due = !first || flags & TFD_TIMER_ABSTIME ? first
							     : MIN(now + first, (u64)INT64_MAX);
		t->expired = false;
		t->ticks = 0;
		look(t, now, &w);
		if (!t->expired)
			enqueue(t);
	}
	if (!r)
		set_alarm();
	mutex_unlock(&timerfd_lock);
	wakeups_send(&w);
	return r;
}

/* get_and_set for a file of any kind. */
static s64 get_and_set_file(struct ofile *f, u32 flags, const struct __kernel_itimerspec *new,
			    struct __kernel_itimerspec *left)
{
	struct timerfd *t = timerfd_of(f);
	s64 r = t ? get_and_set(t, flags, new, left) : -EREMOTE;

	if (r != -EREMOTE)
		return r;
	if (f->handle < 0)
		return -EINVAL; /* another kind */
	return fs_nointr(new ? hc_timerfd_settime(f->handle, (s32)flags, new, sizeof(*new), left,
						  sizeof(*left))
			     : hc_timerfd_gettime(f->handle, left, sizeof(*left)));
}

DEFINE_SYSCALL4(timerfd_settime, s32, fd, u32, flags, uva, user_value, uva, user_old)
{
	struct __kernel_itimerspec value, old;
	struct ofile *f;
	s64 r;

	if (get_user(&value, user_value))
		return -EFAULT;
	if (flags & ~(u32)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
	    clock_from_timespec(&value.it_value) < 0 || clock_from_timespec(&value.it_interval) < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	r = get_and_set_file(f, flags, &value, &old);
	ofile_put(f);
	return r >= 0 && user_old ? put_user(old, user_old) : r;
}

DEFINE_SYSCALL2(timerfd_gettime, s32, fd, uva, user_value)
{
	struct __kernel_itimerspec value;
	struct ofile *f = fd_get(fd);
	s64 r;

	if (!f)
		return -EBADF;
	r = get_and_set_file(f, 0, NULL, &value);
	ofile_put(f);
	return r < 0 ? r : put_user(value, user_value);
}
