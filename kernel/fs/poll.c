// SPDX-License-Identifier: MIT
/*
 * Waiting for several files: poll, ppoll, select, pselect6, and what they share with epoll:
 * deadlines, and signal masks for the duration of a call. The kernel polls the files whose
 * readiness it knows, and the host polls the handles of the others. A thread that waits for files
 * of both kinds sleeps in the host's poll, with a bell among the handles (fs/waitq.h).
 */
#include <asm/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/waitq.h"
#include "kernel/time/clock.h"

/* -- Deadlines ------------------------------------------------------------------------------ */

u64 fs_deadline(u64 timeout_ns)
{
	u64 now = timeout_ns ? clock_monotonic_ns() : 0;

	return timeout_ns < FS_FOREVER - now ? now + timeout_ns : FS_FOREVER;
}

s64 fs_time_left(u64 deadline)
{
	u64 now;

	if (deadline == FS_FOREVER)
		return -1;
	now = deadline ? clock_monotonic_ns() : 0;
	return deadline > now ? deadline - now : 0;
}

int fs_deadline_of_user(uva user, u64 unit_ns, u64 *deadline)
{
	struct __kernel_timespec ts;

	*deadline = FS_FOREVER;
	if (!user)
		return 0;
	if (get_user(&ts, user) < 0)
		return -EFAULT;
	/* select(2) allows more than a second of microseconds; ppoll(2) needs valid nanoseconds. */
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || (unit_ns == 1 && ts.tv_nsec >= (s64)NSEC_PER_SEC))
		return -EINVAL;
	ts.tv_sec += ts.tv_nsec / (NSEC_PER_SEC / unit_ns);
	ts.tv_nsec = ts.tv_nsec % (NSEC_PER_SEC / unit_ns) * unit_ns;
	if ((u64)ts.tv_sec < ~0UL / NSEC_PER_SEC)
		*deadline = fs_deadline(ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec);
	return 0;
}

/*
 * Ends select or ppoll by writing the time that is left to the program's timeout. Returns result;
 * or -EINTR for a call that would be restarted and whose timeout cannot be written, as Linux's
 * poll_select_finish does.
 */
static s64 time_to_user(uva user, u64 unit_ns, u64 deadline, s64 result)
{
	s64 left = fs_time_left(deadline);
	struct __kernel_timespec ts = {left / (s64)NSEC_PER_SEC,
				       left % (s64)NSEC_PER_SEC / (s64)unit_ns};

	if (user && left >= 0 && put_user(ts, user) < 0 && result == -ERESTARTNOHAND)
		return -EINTR;
	return result;
}

s64 fs_unblock(s64 result)
{
	struct thread *t = current();

	if (t->restore_blocked && result != -EINTR && result != -ERESTARTNOHAND) {
		t->restore_blocked = false;
		signal_set_blocked(t->saved_blocked);
	}
	return result;
}

/* -- poll ----------------------------------------------------------------------------------- */

/* As many entries as hc_poll carries; hc_poll_many is limited only by memory. */
#define POLL_FEW (16256 / sizeof(struct pollfd))

struct poll_set {
	u32 count;
	struct ofile **file;  /* references; NULL for descriptors that are not open */
	struct pollfd *guest; /* of the program: fds are descriptors */
	struct pollfd *host;  /* for hc_poll: fds are handles; one more entry for the bell */

	/* For the files whose readiness the kernel knows (ofile_poll), while this thread waits. */
	struct wait_entry *entry; /* NULL: this thread has not waited for such files */
	struct sleeper sleeper;
	u32 hosts, guests; /* the number of files that host and kernel poll, at the last scan */
};

static int poll_set_new(struct poll_set *set, u32 count)
{
	const u64 each = 2 * sizeof(struct pollfd) + sizeof(struct ofile *);
	char *mem;

	mem = kzalloc(count * each + sizeof(struct pollfd));
	if (!mem)
		return -ENOMEM;
	*set = (struct poll_set){.count = count, .sleeper = SLEEPER_INIT};
	set->file = (void *)mem;
	set->guest = (void *)(set->file + count);
	set->host = set->guest + count;
	return 0;
}

static void poll_set_free(struct poll_set *set)
{
	for (u32 i = 0; i < set->count; i++)
		ofile_put(set->file[i]);
	kfree(set->file);
	kfree(set->entry);
}

/* Makes the host poll set->host, and the bell if the sleeper has one. As hc_poll. */
static s64 host_poll(struct poll_set *set, s64 timeout)
{
	u64 bytes = (set->count + (set->sleeper.bell >= 0)) * sizeof(*set->host);
	struct hostcall_seg seg[8];
	struct segs segs;
	int err;

	set->host[set->count] = (struct pollfd){.fd = set->sleeper.bell, .events = POLLIN};
	if (bytes <= POLL_FEW * sizeof(*set->host))
		return hc_poll(set->host, bytes, timeout);
	err = kernel_segs(seg, ARRAY_SIZE(seg), set->host, bytes, &segs);
	return err < 0 ? err : hc_poll_many(&segs, timeout);
}

/*
 * Polls the files whose readiness the kernel knows and fills in their revents; with queue, also
 * puts this thread into their queues. Puts the handles of the other files into set->host. Returns
 * how many entries have events, including those whose descriptors are not open.
 */
static s64 scan(struct poll_set *set, bool queue)
{
	s64 ready = 0;

	set->hosts = set->guests = 0;
	for (u32 i = 0; i < set->count; i++) {
		struct pollfd *guest = &set->guest[i], *host = &set->host[i];
		struct wait_entry *e = queue ? &set->entry[i] : NULL;
		const u32 always = POLLERR | POLLHUP;
		s64 r;

		*host = (struct pollfd){.fd = -1, .events = guest->events};
		guest->revents = 0;
		if (e)
			*e = (struct wait_entry){.sleeper = set->file[i] ? &set->sleeper : NULL,
						 .events = (u16)guest->events | always};
		if (guest->fd < 0)
			continue;
		r = set->file[i] ? ofile_poll(set->file[i], e) : -EBADF;
		if (r >= 0) {
			guest->revents = (short)(r & ((u16)guest->events | always));
			set->guests++;
		} else if (set->file[i]) {
			r = ofile_poll_handle(set->file[i]);
			host->fd = (s32)r;
			host->events = (short)ofile_poll_events(set->file[i], (u16)guest->events);
			set->hosts += r >= 0;
		}
		if (r == -EPERM) /* a file that is always ready: poll(2) */
			guest->revents =
				guest->events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
		else if (r < 0)
			guest->revents = POLLNVAL;
		ready += guest->revents != 0;
	}
	return ready;
}

/*
 * Makes the host poll set->host until the deadline, and fills in the revents. Returns how many of
 * its files have events, or -EINTR.
 */
static s64 ask_host(struct poll_set *set, u64 deadline)
{
	s64 r = FS_WAIT(timeout, deadline, host_poll(set, timeout)), ready = 0;

	if (r < 0)
		return r;
	for (u32 i = 0; i < set->count; i++) {
		if (set->host[i].fd >= 0) {
			set->guest[i].revents = set->host[i].revents;
			ready += set->host[i].revents != 0;
		}
	}
	return ready;
}

/*
 * Sleeps until a file may have events. Returns 0, -EINTR, -ETIMEDOUT, or the number of the host's
 * files that have events.
 */
static s64 sleep_for_any(struct poll_set *set, u64 deadline)
{
	s64 r;

	if (!set->hosts)
		return sleeper_sleep(&set->sleeper, deadline);
	if (set->sleeper.bell < 0)
		return 0; /* a file has moved since the last scan: try again, with a bell */
	r = ask_host(set, deadline);
	return r || set->sleeper.woken ? r : -ETIMEDOUT;
}

/*
 * As sleep_for_any, with this thread in the queues of the files that the kernel polls. *ready is
 * the result of the scan that follows the queueing.
 */
static s64 queue_and_sleep(struct poll_set *set, u64 deadline, s64 *ready)
{
	s64 r = 0;

	set->sleeper = (struct sleeper)SLEEPER_INIT;
	for (u32 i = 0; set->hosts && i < set->count; i++)
		if (set->guest[i].fd >= 0 && set->file[i] && ofile_moves_to_wait(set->file[i]))
			ofile_handle(set->file[i]); /* if it fails, the wake-up is late */
	if (!set->entry)
		set->entry = kzalloc(set->count * sizeof(*set->entry));
	if (!set->entry)
		return -ENOMEM;
	if (set->hosts)
		r = set->sleeper.bell = bell_get();
	if (r < 0)
		return r;
	*ready = scan(set, true);
	r = *ready ? 0 : sleep_for_any(set, deadline);
	for (u32 i = 0; i < set->count; i++)
		if (set->entry[i].sleeper)
			ofile_unpoll(set->file[i], &set->entry[i]);
	bell_put(set->sleeper.bell);
	set->sleeper.bell = -1;
	return r;
}

/* As poll_set_wait, if there are files of the kernel. ready: entries with events so far. */
static s64 wait_mixed(struct poll_set *set, s64 ready, u64 deadline)
{
	s64 r = 0;

	while (!ready && !r && deadline)
		r = queue_and_sleep(set, deadline, &ready);
	if (r > 0)
		return r; /* only files of the host have events */
	/* Events count more than a signal or the deadline. */
	if (!ready)
		ready = scan(set, false);
	if (set->hosts) {
		s64 more = ask_host(set, 0);

		ready += MAX(more, 0L); /* a signal came: what is ready counts more */
	}
	return ready || r == -ETIMEDOUT ? ready : r;
}

/*
 * Waits for the files of set->guest until the deadline, and fills in the revents. Returns the
 * number of entries with events, or -EINTR.
 */
static s64 poll_set_wait(struct poll_set *set, u64 deadline)
{
	s64 ready, r;

	for (u32 i = 0; i < set->count; i++)
		set->file[i] = set->guest[i].fd < 0 ? NULL : fd_get(set->guest[i].fd);
	ready = scan(set, false);
	if (set->guests)
		return wait_mixed(set, ready, deadline);
	r = ask_host(set, ready ? 0 : deadline);
	if (r == -EINTR && ready)
		r = 0;
	return r < 0 ? r : r + ready;
}

static s64 poll_user(uva fds, u32 count, u64 deadline)
{
	struct poll_set set;
	s64 r;

	if (count > current_process()->rlimit[RLIMIT_NOFILE].cur)
		return -EINVAL;
	r = poll_set_new(&set, count);
	if (r < 0)
		return r;
	r = copy_from_user(set.guest, fds, count * sizeof(*set.guest));
	if (r >= 0)
		r = poll_set_wait(&set, deadline);
	for (u32 i = 0; r >= 0 && i < count; i++) {
		/* Only revents is written: another thread may change the rest. */
		uva at = fds + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents);

		if (put_user(set.guest[i].revents, at) < 0)
			r = -EFAULT;
	}
	poll_set_free(&set);
	return r;
}

/* poll(2). After a signal without a handler, restart_syscall continues it by poll_restart. */
static s64 poll_until(uva fds, u32 count, u64 deadline);

static s64 poll_restart(void *arg)
{
	const u64 *a = arg;

	return poll_until(a[0], a[1], a[2]);
}

static s64 poll_until(uva fds, u32 count, u64 deadline)
{
	struct thread *t = current();
	s64 r = poll_user(fds, count, deadline);

	if (r != -EINTR)
		return r;
	t->restart.fn = poll_restart;
	t->restart.arg[0] = fds;
	t->restart.arg[1] = count;
	t->restart.arg[2] = deadline;
	return -ERESTART_RESTARTBLOCK;
}

DEFINE_SYSCALL3(poll, uva, fds, u32, count, s32, timeout_ms)
{
	u64 deadline = timeout_ms < 0 ? FS_FOREVER : fs_deadline(timeout_ms * 1000000UL);

	return poll_until(fds, count, deadline);
}

DEFINE_SYSCALL5(ppoll, uva, fds, u32, count, uva, timeout, uva, mask, u64, mask_size)
{
	u64 deadline;
	s64 r = fs_deadline_of_user(timeout, 1, &deadline);

	if (r >= 0)
		r = signal_block_meanwhile(mask, mask_size);
	if (r < 0)
		return r;
	r = poll_user(fds, count, deadline);
	if (r == -EINTR)
		r = -ERESTARTNOHAND;
	return fs_unblock(time_to_user(timeout, 1, deadline, r));
}

/* -- select --------------------------------------------------------------------------------- */

/* The events that each of the three sets asks for, and that count for it: Linux's fs/select.c. */
static const struct {
	u16 ask, answer;
} select_events[3] = {
	{POLLIN | POLLRDNORM | POLLRDBAND,
	 POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR | POLLNVAL},
	{POLLOUT | POLLWRNORM | POLLWRBAND, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR | POLLNVAL},
	{POLLPRI, POLLPRI | POLLNVAL},
};

struct select_sets {
	u32 words; /* per set */
	uva user[3];
	u64 *in[3]; /* the sets, first as asked, then the answer; one allocation, at in[0] */
};

static int select_sets_get(struct select_sets *s, u32 n, const uva user[3])
{
	s->words = (n + 63) / 64;
	s->in[0] = kzalloc(3 * s->words * sizeof(u64) + 1);
	if (!s->in[0])
		return -ENOMEM;
	for (int i = 0; i < 3; i++) {
		s->user[i] = user[i];
		s->in[i] = s->in[0] + i * s->words;
		if (user[i] && copy_from_user(s->in[i], user[i], s->words * sizeof(u64)) < 0)
			return -EFAULT;
	}
	/* The call ignores bits from n on. */
	for (int i = 0; i < 3 && n % 64; i++)
		s->in[i][s->words - 1] &= (1UL << n % 64) - 1;
	return 0;
}

static bool select_has(const struct select_sets *s, int set, u32 fd)
{
	return s->in[set][fd / 64] >> fd % 64 & 1;
}

static u32 select_asked(const struct select_sets *s)
{
	u32 asked = 0;

	for (u32 w = 0; w < s->words; w++) {
		u64 any = s->in[0][w] | s->in[1][w] | s->in[2][w];

		for (; any; any &= any - 1)
			asked++;
	}
	return asked;
}

/*
 * Polls the descriptors of the sets. Returns the number of bits in the sets of the answer. -EBADF:
 * one is not open at the start. One that cannot be polled (O_PATH, or closed meanwhile) is ready.
 */
static s64 select_wait(struct select_sets *s, u32 n, u64 deadline)
{
	struct files *files = current_process()->files;
	struct poll_set set;
	u32 at = 0;
	s64 r = poll_set_new(&set, select_asked(s));

	if (r < 0)
		return r;
	for (u32 fd = 0; fd < n && at < set.count; fd++) {
		u16 events = 0;

		for (int i = 0; i < 3; i++)
			if (select_has(s, i, fd))
				events |= select_events[i].ask;
		if (!events)
			continue;
		if (fdtable_get_cloexec(files, fd) < 0)
			r = -EBADF;
		set.guest[at++] = (struct pollfd){.fd = fd, .events = events};
	}
	if (r >= 0)
		r = poll_set_wait(&set, deadline);
	if (r >= 0) {
		s64 bits = 0;

		for (u32 k = 0; k < set.count; k++) {
			const struct pollfd *pfd = &set.guest[k];

			for (int i = 0; i < 3; i++) {
				if (!select_has(s, i, pfd->fd))
					continue;
				if (pfd->revents & select_events[i].answer)
					bits++;
				else
					s->in[i][pfd->fd / 64] &= ~(1UL << pfd->fd % 64);
			}
		}
		r = bits;
	}
	poll_set_free(&set);
	return r;
}

static s64 select_user(s32 n, const uva user[3], u64 deadline)
{
	struct select_sets s;
	s64 r;

	if (n < 0)
		return -EINVAL;
	n = MIN((u32)n, MAX(fdtable_size(current_process()->files), 1024U));
	r = select_sets_get(&s, n, user);
	if (r >= 0)
		r = select_wait(&s, n, deadline);
	for (int i = 0; r >= 0 && i < 3; i++)
		if (user[i] && copy_to_user(user[i], s.in[i], s.words * sizeof(u64)) < 0)
			r = -EFAULT;
	kfree(s.in[0]);
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

DEFINE_SYSCALL5(select, s32, n, uva, readable, uva, writable, uva, special, uva, timeout)
{
	const uva user[3] = {readable, writable, special};
	u64 deadline;
	s64 r = fs_deadline_of_user(timeout, 1000, &deadline);

	if (r < 0)
		return r;
	return time_to_user(timeout, 1000, deadline, select_user(n, user, deadline));
}

DEFINE_SYSCALL6(pselect6, s32, n, uva, readable, uva, writable, uva, special, uva, timeout, uva,
		mask_arg)
{
	const uva user[3] = {readable, writable, special};
	struct {
		uva mask;
		u64 size;
	} arg = {0};
	u64 deadline;
	s64 r = fs_deadline_of_user(timeout, 1, &deadline);

	if (r < 0)
		return r;
	if (mask_arg && get_user(&arg, mask_arg) < 0)
		return -EFAULT;
	r = signal_block_meanwhile(arg.mask, arg.size);
	if (r < 0)
		return r;
	r = select_user(n, user, deadline);
	return fs_unblock(time_to_user(timeout, 1, deadline, r));
}
