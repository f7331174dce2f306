/*
 * Timers that send signals: alarm(2), setitimer(2), timer_create(2).
 *
 * Each is a timer of the host (hostcall timer_*), which sets its bit in vcpu_data.timers_expired
 * and kicks vCPU 0. The host repeats intervals itself; expirations that coalesce into one bit are
 * counted from the time that passed, for timer_getoverrun(2). task_lock guards all of it.
 */
#include "kernel/task/task.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"

#include <linux/time.h>

#define HOST_TIMERS   64
#define NSEC_PER_USEC 1000L
#define USEC_PER_SEC  1000000L
#define OVERRUN_MAX   INT32_MAX

struct posix_timer {
	LIST_ENTRY(posix_timer) link;
	s32 id;
	s32 host; /* number of the host timer */
	s32 clock;
	s32 notify, signo;
	sigval_t value;
	s32 tid; /* SIGEV_THREAD_ID */
	u64 interval_ns;
	u64 next_ns;	  /* clock_monotonic_ns of the next expiration, for overruns */
	u64 overrun;	  /* expirations since the queued signal */
	s32 last_overrun; /* of the last signal taken */
};

/* Whose a host timer is: exactly one of posix and process. */
static struct {
	struct process *process;
	struct posix_timer *posix;
	int which; /* ITIMER_* */
} owner[HOST_TIMERS];

/* The three of setitimer(2). */
static const struct {
	int clock, signal;
} itimer_kind[] = {
	[ITIMER_REAL] = {CLOCK_MONOTONIC, SIGALRM},
	/* The host cannot tell a program's time from its kernel's: both are guest time. */
	[ITIMER_VIRTUAL] = {CLOCK_PROCESS_CPUTIME_ID, SIGVTALRM},
	[ITIMER_PROF] = {CLOCK_PROCESS_CPUTIME_ID, SIGPROF},
};

/* Sets (new != NULL) and reads (what was left) an interval timer. */
static s64 itimer(int which, const struct __kernel_itimerspec *new, struct __kernel_itimerspec *old)
{
	struct process *p = current_process();
	s64 err = 0;

	memset(old, 0, sizeof(*old));
	mutex_lock(&task_lock);
	if (p->itimer[which].timer < 0) {
		if (!new || (new->it_value.tv_sec == 0 && new->it_value.tv_nsec == 0))
			goto out;
		err = hc_timer_create((u64)itimer_kind[which].clock);
		if (err < 0)
			goto out;
		KASSERT(err < HOST_TIMERS);
		p->itimer[which].timer = (s32)err;
		owner[err].process = p;
		owner[err].posix = NULL;
		owner[err].which = which;
	}
	if (new)
		err = hc_timer_settime((u64)p->itimer[which].timer, 0, new, sizeof(*new), old,
				       sizeof(*old));
	else
		err = hc_timer_gettime((u64)p->itimer[which].timer, old, sizeof(*old));
out:
	mutex_unlock(&task_lock);
	return err;
}

static struct __kernel_timespec from_timeval(const struct __kernel_old_timeval *tv)
{
	return (struct __kernel_timespec){tv->tv_sec, tv->tv_usec * NSEC_PER_USEC};
}

static struct __kernel_old_timeval to_timeval(const struct __kernel_timespec *ts)
{
	/* A timer that runs has time left, however little. */
	s64 usec = ts->tv_nsec / NSEC_PER_USEC;

	if (ts->tv_sec == 0 && usec == 0 && ts->tv_nsec)
		usec = 1;
	return (struct __kernel_old_timeval){ts->tv_sec, usec};
}

struct itimerval_user {
	struct __kernel_old_timeval it_interval, it_value;
};

static struct itimerval_user to_user(const struct __kernel_itimerspec *spec)
{
	return (struct itimerval_user){
		.it_interval = to_timeval(&spec->it_interval),
		.it_value = to_timeval(&spec->it_value),
	};
}

static bool timeval_valid(const struct __kernel_old_timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < USEC_PER_SEC;
}

DEFINE_SYSCALL2(getitimer, int, which, uva, value)
{
	struct __kernel_itimerspec now;
	s64 err;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	err = itimer(which, NULL, &now);
	return err < 0 ? err : put_user(to_user(&now), value);
}

DEFINE_SYSCALL3(setitimer, int, which, uva, value, uva, ovalue)
{
	struct __kernel_itimerspec spec, old;
	struct itimerval_user new = {0};
	s64 err;

	/* Linux takes a null pointer for zero: the timer is disarmed. */
	if (value && get_user(&new, value))
		return -EFAULT;
	if (which < ITIMER_REAL || which > ITIMER_PROF || !timeval_valid(&new.it_interval) ||
	    !timeval_valid(&new.it_value))
		return -EINVAL;
	spec.it_interval = from_timeval(&new.it_interval);
	spec.it_value = from_timeval(&new.it_value);
	err = itimer(which, &spec, &old);
	if (err < 0)
		return err;
	return ovalue ? put_user(to_user(&old), ovalue) : 0;
}

DEFINE_SYSCALL1(alarm, u32, seconds)
{
	struct __kernel_itimerspec spec = {.it_value.tv_sec = MIN(seconds, (u32)INT32_MAX)};
	struct __kernel_itimerspec old;
	s64 err = itimer(ITIMER_REAL, &spec, &old);

	if (err < 0)
		return 0; /* alarm(2) has no error; there was no timer before */
	/* Rounded to the nearest second, but 0 means that none was set. */
	if ((old.it_value.tv_sec == 0 && old.it_value.tv_nsec) ||
	    old.it_value.tv_nsec >= (s64)NSEC_PER_SEC / 2)
		old.it_value.tv_sec++;
	return old.it_value.tv_sec;
}

/* task_lock held, as for all below. */
static struct posix_timer *posix_find(struct process *p, s32 id)
{
	struct posix_timer *t;

	LIST_FOREACH (t, &p->posix_timers, link) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

static bool signal_queued(const struct sigpending *pending, const struct posix_timer *t)
{
	const struct sigqueue *q;

	TAILQ_FOREACH (q, &pending->queue, link) {
		if (q->info.si_code == SI_TIMER && q->info.si_tid == t->id)
			return true;
	}
	return false;
}

static void posix_expired(struct process *p, struct posix_timer *t)
{
	struct thread *to = t->notify & SIGEV_THREAD_ID ? thread_find(t->tid) : NULL;
	u64 times = 1;
	siginfo_t info;

	if (t->interval_ns && t->next_ns) {
		u64 now = clock_monotonic_ns();

		if (now > t->next_ns)
			times += (now - t->next_ns) / t->interval_ns;
		t->next_ns += times * t->interval_ns;
	}
	if (t->notify == SIGEV_NONE)
		return;
	if (signal_queued(to ? &to->pending : &p->pending, t)) {
		t->overrun += times;
		return;
	}
	t->overrun = times - 1;
	memset(&info, 0, sizeof(info));
	info.si_signo = t->signo;
	info.si_code = SI_TIMER;
	info.si_tid = t->id;
	info.si_value = t->value;
	signal_send_locked(p, to, &info);
}

void timer_signal_taken(siginfo_t *info)
{
	struct posix_timer *t = posix_find(current_process(), info->si_tid);

	if (!t)
		return;
	t->last_overrun = (s32)MIN(t->overrun, (u64)OVERRUN_MAX);
	t->overrun = 0;
	info->si_overrun = t->last_overrun;
}

void timers_expired(u64 bits)
{
	if (!bits)
		return;
	mutex_lock(&task_lock);
	for (; bits; bits &= bits - 1) {
		int i = __builtin_ctzl(bits);
		struct process *p = owner[i].process;

		if (p && owner[i].posix) {
			posix_expired(p, owner[i].posix);
		} else if (p) {
			siginfo_t info;

			memset(&info, 0, sizeof(info));
			info.si_signo = itimer_kind[owner[i].which].signal;
			info.si_code = SI_KERNEL;
			signal_send_locked(p, NULL, &info);
		}
	}
	mutex_unlock(&task_lock);
}

static bool event_valid(const sigevent_t *e)
{
	switch (e->sigev_notify) {
	case SIGEV_NONE:
		return true;
	case SIGEV_SIGNAL | SIGEV_THREAD_ID: {
		struct thread *t = thread_find(e->sigev_notify_thread_id);

		if (!t || t->proc != current_process())
			return false;
	}
		/* fallthrough */
	case SIGEV_SIGNAL:
	case SIGEV_THREAD: /* the C library's matter; to the kernel it is a signal */
		return e->sigev_signo > 0 && e->sigev_signo <= NSIG;
	default:
		return false;
	}
}

/* Makes the timer; its number or -errno. task_lock held. */
static s64 posix_new(s32 clock, const sigevent_t *e, bool by_id)
{
	struct process *p = current_process();
	struct posix_timer *t;
	s64 host;

	if (!event_valid(e))
		return -EINVAL;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -EAGAIN;
	host = hc_timer_create((u64)(s64)clock);
	if (host < 0) {
		kfree(t);
		return host;
	}
	KASSERT(host < HOST_TIMERS);
	t->id = p->next_timer_id++;
	t->host = (s32)host;
	t->clock = clock;
	t->notify = e->sigev_notify;
	t->signo = e->sigev_signo;
	t->value = e->sigev_value;
	t->tid = e->sigev_notify_thread_id;
	if (by_id) {
		t->value.sival_ptr = NULL;
		t->value.sival_int = t->id;
	}
	LIST_INSERT_HEAD(&p->posix_timers, t, link);
	owner[host].process = p;
	owner[host].posix = t;
	return t->id;
}

static void posix_free(struct posix_timer *t)
{
	hc_timer_delete((u64)t->host);
	owner[t->host].process = NULL;
	owner[t->host].posix = NULL;
	LIST_REMOVE(t, link);
	kfree(t);
}

void timers_exec(void)
{
	struct process *p = current_process();

	mutex_lock(&task_lock);
	while (!LIST_EMPTY(&p->posix_timers))
		posix_free(LIST_FIRST(&p->posix_timers));
	mutex_unlock(&task_lock);
}

void timers_exit(void)
{
	struct process *p = current_process();

	timers_exec();
	mutex_lock(&task_lock);
	for (unsigned i = 0; i < ARRAY_SIZE(p->itimer); i++) {
		s32 timer = p->itimer[i].timer;

		if (timer < 0)
			continue;
		hc_timer_delete((u64)timer);
		owner[timer].process = NULL;
		p->itimer[i].timer = -1;
	}
	mutex_unlock(&task_lock);
}

DEFINE_SYSCALL3(timer_create, int, clock, uva, event, uva, id)
{
	sigevent_t e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	s32 number;
	s64 result;

	if (event && get_user(&e, event))
		return -EFAULT;
	mutex_lock(&task_lock);
	result = posix_new(clock, &e, event == 0);
	mutex_unlock(&task_lock);
	if (result < 0)
		return result;
	number = (s32)result;
	result = put_user(number, id);
	if (result) {
		struct posix_timer *t;

		mutex_lock(&task_lock);
		t = posix_find(current_process(), number);
		if (t) /* another thread may have guessed the number */
			posix_free(t);
		mutex_unlock(&task_lock);
	}
	return result;
}

/* task_lock held. When the next expiration is due, so that missed ones can be counted. */
static void note_next(struct posix_timer *t, const struct __kernel_itimerspec *new)
{
	struct __kernel_itimerspec left;

	t->overrun = 0;
	t->last_overrun = 0;
	t->next_ns = 0;
	t->interval_ns = (u64)clock_from_timespec(&new->it_interval);
	/* Of a clock that does not run with time, they cannot. */
	if (t->interval_ns == 0 || t->clock < 0 || t->clock == CLOCK_PROCESS_CPUTIME_ID ||
	    t->clock == CLOCK_THREAD_CPUTIME_ID)
		return;
	if (hc_timer_gettime((u64)t->host, &left, sizeof(left)) == 0)
		t->next_ns = clock_monotonic_ns() + (u64)clock_from_timespec(&left.it_value);
}

DEFINE_SYSCALL4(timer_settime, int, id, int, flags, uva, value, uva, ovalue)
{
	struct __kernel_itimerspec new, old;
	struct posix_timer *t;
	s64 err;

	if (value == 0)
		return -EINVAL;
	if (get_user(&new, value))
		return -EFAULT;
	if (clock_from_timespec(&new.it_value) < 0 || clock_from_timespec(&new.it_interval) < 0)
		return -EINVAL;
	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	err = t ? hc_timer_settime((u64)t->host, (u64)flags & TIMER_ABSTIME, &new, sizeof(new),
				   &old, sizeof(old))
		: -EINVAL;
	if (err == 0)
		note_next(t, &new);
	mutex_unlock(&task_lock);
	if (err)
		return err;
	return ovalue ? put_user(old, ovalue) : 0;
}

DEFINE_SYSCALL2(timer_gettime, int, id, uva, value)
{
	struct __kernel_itimerspec now;
	struct posix_timer *t;
	s64 err;

	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	err = t ? hc_timer_gettime((u64)t->host, &now, sizeof(now)) : -EINVAL;
	mutex_unlock(&task_lock);
	return err ? err : put_user(now, value);
}

DEFINE_SYSCALL1(timer_getoverrun, int, id)
{
	struct posix_timer *t;
	s64 result;

	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	result = t ? t->last_overrun : -EINVAL;
	mutex_unlock(&task_lock);
	return result;
}

DEFINE_SYSCALL1(timer_delete, int, id)
{
	struct posix_timer *t;

	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	if (t)
		posix_free(t);
	mutex_unlock(&task_lock);
	return t ? 0 : -EINVAL;
}
