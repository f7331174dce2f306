// SPDX-License-Identifier: MIT
/*
 * Timers that send signals: alarm(2), setitimer(2), timer_create(2), RLIMIT_CPU.
 *
 * All timers of the sandbox are in one queue for each clock, ordered by time. The host has one
 * timer for each queue (hostcall timer_*), which sets its bit in vcpu_data.timers_expired and kicks
 * vCPU 0.
 *
 * A timer of used CPU time is in the queue of CLOCK_MONOTONIC, at the earliest moment when it can
 * be due. When that moment comes and not enough time was used, the timer is queued again.
 *
 * task_lock guards all of this.
 */
#include <bsd/sys/tree.h>
#include <linux/time.h>
#include "kernel/define_syscall.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"
#include "kernel/task/timer.h"
#include "kernel/task/usage.h"
#include "kernel/task/user_counts.h"
#include "kernel/time/clock.h"

#include <linux/resource.h>

#define NSEC_PER_USEC  1000L
#define USEC_PER_SEC   1000000L
#define NSEC_PER_MSEC  1000000UL
#define OVERRUN_MAX    INT32_MAX
#define NEVER	       (~0UL)

/*
 * The shortest time between two looks at a timer, even if its interval is shorter: a time, and a
 * number of hostcalls where these are slow. A look costs some hostcalls, and the program should run
 * in between.
 */
#define LOOK_NS	       (NSEC_PER_MSEC / 10)
#define LOOK_CALLS     8
/* The same for timers of used time, and the time where no thread runs that would use it. */
#define LOOK_CPU_NS    NSEC_PER_MSEC
#define LOOK_CPU_CALLS 32
#define LOOK_IDLE_NS   (64 * NSEC_PER_MSEC)

enum base { BASE_MONOTONIC, BASE_REALTIME, BASE_BOOTTIME, BASES };

static const s32 base_clock[BASES] = {
	[BASE_MONOTONIC] = CLOCK_MONOTONIC,
	[BASE_REALTIME] = CLOCK_REALTIME,
	[BASE_BOOTTIME] = CLOCK_BOOTTIME,
};

/* What .due counts. */
enum measure { TIME, CPU_OF_PROCESS, CPU_OF_THREAD };

struct timer {
	RB_ENTRY(timer) queued;
	bool in_queue;
	enum base base;	 /* of its queue */
	u64 wake;	 /* when to look at it, in ns of that clock */
	enum measure of; /* what .due and .interval count */
	u64 due;	 /* the next expiration; 0: not armed */
	u64 interval;
	s32 cpu_tid;		    /* CPU_OF_THREAD: of which thread */
	s32 cpu_pid;		    /* CPU_OF_PROCESS: of which other process; 0: this one */
	u64 cpu_born;		    /* its .start_ns, in case another process gets its number */
	u64 cpu_seen, cpu_patience; /* time used at the last look; least time until the next */
	struct process *process;
	s32 signo;
	s32 id; /* number of timer_create(2), or INTERVAL_TIMER, or CPU_LIMIT */

	/* Of timer_create(2). */
	LIST_ENTRY(timer) link;
	s32 clock;
	s32 notify;
	sigval_t value;
	s32 tid;	  /* SIGEV_THREAD_ID */
	u32 payer;	  /* the user who was charged for it: user_counts.h */
	u64 overrun;	  /* expirations since the queued signal */
	s32 last_overrun; /* of the last signal that was taken */
};

#define INTERVAL_TIMER (-1) /* of setitimer(2) */
#define CPU_LIMIT      (-2) /* RLIMIT_CPU */

/* Timers that are due at the same time are ordered by address. */
static int compare(const struct timer *a, const struct timer *b)
{
	if (a->wake != b->wake)
		return a->wake < b->wake ? -1 : 1;
	return a == b ? 0 : a < b ? -1 : 1;
}

static struct {
	RB_HEAD(timer_queue, timer) timers;
	s32 host;  /* the host's timer + 1; 0: none yet */
	u64 armed; /* when that expires; NEVER: it is not set */
} queue[BASES];

#define UNUSED_STATIC __attribute__((unused)) static
RB_GENERATE_INTERNAL(timer_queue, timer, queued, compare, UNUSED_STATIC)

/* -- Clocks ------------------------------------------------------------------------------------ */

static u64 read_base(const struct vdso_time *now, enum base base)
{
	return base == BASE_MONOTONIC  ? now->monotonic
	       : base == BASE_REALTIME ? now->realtime
				       : now->boottime;
}

static u64 base_now(enum base base)
{
	struct vdso_time now;

	clock_now(&now);
	return read_base(&now, base);
}

/* Returns the process whose time counts; NULL: it has been waited for. */
static struct process *cpu_process(const struct timer *t)
{
	struct process *p = t->cpu_pid ? process_find(t->cpu_pid) : t->process;

	ASSERT_HELD(&task_lock);
	return t->cpu_pid && p && p->start_ns != t->cpu_born ? NULL : p;
}

/* Returns the used CPU time, or NEVER if the process or thread is gone. */
static u64 cpu_used(const struct timer *t)
{
	struct process *p = cpu_process(t);
	struct thread *thread = NULL;

	if (!p)
		return NEVER;
	if (t->of == CPU_OF_THREAD) {
		thread = thread_find(t->cpu_tid);
		if (!thread || thread->tid != t->cpu_tid || thread->proc != p)
			return NEVER;
	}
	return usage_cpu_ns(p, thread);
}

/* Returns the present time, in the measure of t->due. */
static u64 now_of(const struct timer *t)
{
	return t->of == TIME ? base_now(t->base) : cpu_used(t);
}

/* -- Queues ------------------------------------------------------------------------------------ */

static int need_host(enum base base)
{
	s64 host;

	if (queue[base].host)
		return 0;
	host = hc_timer_create((u64)base_clock[base]);
	if (host < 0)
		return (int)host;
	queue[base].host = (s32)host + 1;
	queue[base].armed = NEVER;
	return 0;
}

/*
 * Sets the host's timer for the first timer of the queue. It is never set earlier, because the kick
 * interrupts what vCPU 0 does in the host.
 */
static void set_host(enum base base)
{
	const struct timer *first = RB_MIN(timer_queue, &queue[base].timers);
	/* 0 would disarm it. */
	u64 wake = first ? MAX(first->wake, 1UL) : NEVER;
	struct __kernel_itimerspec spec = {0}, old;

	if (!queue[base].host || wake == queue[base].armed)
		return;
	if (first)
		spec.it_value = clock_to_timespec(wake);
	hc_timer_settime((u64)(queue[base].host - 1), TIMER_ABSTIME, &spec, sizeof(spec), &old,
			 sizeof(old));
	queue[base].armed = wake;
}

static void enqueue(struct timer *t, enum base base, u64 wake)
{
	t->base = base;
	t->wake = wake;
	t->in_queue = true;
	RB_INSERT(timer_queue, &queue[base].timers, t);
}

static void dequeue(struct timer *t)
{
	if (t->in_queue)
		RB_REMOVE(timer_queue, &queue[t->base].timers, t);
	t->in_queue = false;
}

static u64 look_cpu_ns(void)
{
	return MAX(LOOK_CPU_NS, LOOK_CPU_CALLS * hostcall_cost_ns());
}

/*
 * Queues a timer of used time for the earliest moment when it can be due: all threads may run at
 * once.
 */
static void enqueue_cpu(struct timer *t, u64 used)
{
	const struct process *p = cpu_process(t);
	u64 threads = t->of == CPU_OF_PROCESS && p ? MAX(p->nthreads, 1U) : 1;
	u64 left = t->due > used ? (t->due - used) / threads : 0;

	/* No thread ran, so the next look is later. */
	if (used == t->cpu_seen)
		t->cpu_patience = MIN(t->cpu_patience * 2, MAX(LOOK_IDLE_NS, look_cpu_ns()));
	else
		t->cpu_patience = look_cpu_ns();
	t->cpu_seen = used;
	enqueue(t, BASE_MONOTONIC, clock_monotonic_ns() + MAX(left, t->cpu_patience));
}

static void disarm(struct timer *t)
{
	bool queued = t->in_queue;

	dequeue(t);
	if (queued)
		set_host(t->base);
	t->due = 0;
}

/* -- Expiration -------------------------------------------------------------------------------- */

static bool queued_in(const struct sigpending *pending, const struct timer *t)
{
	const struct sigqueue *q;

	TAILQ_FOREACH (q, &pending->queue, link) {
		if (q->info.si_code == SI_TIMER && q->info.si_tid == t->id)
			return true;
	}
	return false;
}

/*
 * Returns true if the timer's last signal is still pending, for the process or one of its threads.
 */
static bool signal_queued(const struct timer *t)
{
	const struct thread *it;

	TAILQ_FOREACH (it, &t->process->threads, link)
		if (queued_in(&it->pending, t))
			return true;
	return queued_in(&t->process->pending, t);
}

/*
 * Returns the thread that has used the most time since it was last chosen, of those that do not
 * block t's signal, so that a signal for used time goes to each thread that uses time in turn. It
 * is sent to the thread, because any other thread could take a signal of the process. Returns NULL
 * if no thread is preferred.
 */
static struct thread *consumer(const struct timer *t)
{
	struct process *p = t->process;
	struct thread *it, *most = NULL;
	u64 best = 0;

	if (p->nthreads == 1)
		return NULL;
	TAILQ_FOREACH (it, &p->threads, link) {
		u64 used = usage_cpu_ns(p, it);

		if (!(it->blocked & SIGBIT(t->signo)) && used - it->charged_ns > best) {
			best = used - it->charged_ns;
			most = it;
		}
	}
	if (most)
		most->charged_ns += best;
	return most;
}

static void send(struct timer *t, u64 times)
{
	struct thread *to = t->notify & SIGEV_THREAD_ID ? thread_find(t->tid) : NULL;
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = t->signo;
	if (t->id < 0) {
		info.si_code = SI_KERNEL;
		signal_send_locked(t->process, t->of == TIME ? NULL : consumer(t), &info);
		return;
	}
	t->overrun += times;
	if (signal_queued(t))
		return;
	t->overrun = times - 1;
	info.si_code = SI_TIMER;
	info.si_tid = t->id;
	info.si_value = t->value;
	if (!to && t->of == CPU_OF_PROCESS && !t->cpu_pid)
		to = consumer(t);
	signal_send_locked(t->process, to, &info);
}

/* Returns how many expirations are due now, and sets .due to the next one or disarms the timer. */
static u64 pass(struct timer *t, u64 now)
{
	u64 times = 1;

	if (!t->due || now < t->due)
		return 0;
	if (t->interval) {
		times += (now - t->due) / t->interval;
		t->due += times * t->interval;
	} else {
		t->due = 0;
	}
	return times;
}

/*
 * RLIMIT_CPU, getrlimit(2): sends SIGXCPU at the soft limit and raises that by a second, as Linux
 * does; sends SIGKILL at the hard limit.
 */
static void limit_reached(struct timer *t, u64 used)
{
	struct rlimit_pair *limit = &t->process->rlimit[RLIMIT_CPU];

	t->signo = used / NSEC_PER_SEC >= limit->max ? SIGKILL : SIGXCPU;
	send(t, pass(t, used));
	limit->cur = t->due / NSEC_PER_SEC;
}

/*
 * It is time to look at the timer, which is in no queue: sends its signal if it is due, and queues
 * it again.
 */
static void look(struct timer *t, u64 base_time)
{
	u64 now = t->of == TIME ? base_time : cpu_used(t);

	if (now == NEVER)
		t->due = 0;
	else if (t->id == CPU_LIMIT && now >= t->due)
		limit_reached(t, now);
	else if (now >= t->due)
		send(t, pass(t, now));
	if (!t->due)
		return;
	if (t->of != TIME)
		enqueue_cpu(t, now);
	else
		enqueue(t, t->base,
			MAX(t->due, now + MAX(LOOK_NS, LOOK_CALLS * hostcall_cost_ns())));
}

void timers_expired(u64 bits)
{
	struct vdso_time now;
	struct timer *t;

	if (!bits)
		return;
	mutex_lock(&task_lock);
	/* The host's clocks have reached this time, and the program must not see earlier ones. */
	clock_now_exact(&now);
	for (enum base base = 0; base < BASES; base++) {
		u64 time = read_base(&now, base);

		if (!queue[base].host || !(bits >> (queue[base].host - 1) & 1))
			continue;
		queue[base].armed = NEVER;
		while ((t = RB_MIN(timer_queue, &queue[base].timers)) && t->wake <= time) {
			dequeue(t);
			look(t, time);
		}
		set_host(base);
	}
	/* Timers of used time may have been queued there. */
	set_host(BASE_MONOTONIC);
	mutex_unlock(&task_lock);
}

/* -- Setting ----------------------------------------------------------------------------------- */

static u64 ns_of(const struct __kernel_timespec *ts)
{
	return (u64)clock_from_timespec(ts);
}

/* Reads the time until the next expiration, and the interval. */
static void get(struct timer *t, struct __kernel_itimerspec *left)
{
	u64 now;

	memset(left, 0, sizeof(*left));
	left->it_interval = clock_to_timespec(t->interval);
	if (!t->due)
		return;
	now = now_of(t);
	/* No look happens when a timer expires that sends nothing. */
	if (t->notify == SIGEV_NONE && t->id >= 0 && now != NEVER)
		pass(t, now);
	if (t->due && now != NEVER) /* an armed timer has at least 1 ns left */
		left->it_value = clock_to_timespec(t->due > now ? t->due - now : 1);
}

/* Arms t for value, relative or absolute on base; 0 disarms it. Returns 0 or -errno. */
static int set(struct timer *t, enum base base, bool absolute,
	       const struct __kernel_itimerspec *value)
{
	enum base before = t->base, after = t->of == TIME ? base : BASE_MONOTONIC;
	u64 first = ns_of(&value->it_value), now = NEVER;
	int err = need_host(after);

	if (err)
		return err;
	if (first || t->of != TIME)
		now = now_of(t);
	/* As on Linux, the timer of a thread or process that is gone cannot even be disarmed. */
	if (now == NEVER && t->of != TIME)
		return -ESRCH;
	dequeue(t);
	t->base = after;
	t->due = t->interval = 0;
	if (!first)
		now = NEVER;
	if (now != NEVER) {
		t->due = absolute ? first : now + MIN(first, NEVER / 2);
		t->interval = ns_of(&value->it_interval);
		t->cpu_patience = look_cpu_ns();
		t->cpu_seen = now;
		if (t->of != TIME)
			enqueue_cpu(t, now);
		else if (t->id < 0 || t->notify != SIGEV_NONE)
			enqueue(t, after, t->due);
	}
	set_host(before);
	set_host(after);
	return 0;
}

/* -- Interval timers --------------------------------------------------------------------------- */

/* The three timers of setitimer(2). */
static const struct {
	enum measure of;
	int signal;
} itimer_kind[] = {
	[ITIMER_REAL] = {TIME, SIGALRM},
	/* A program's time cannot be told from its kernel's: both count. */
	[ITIMER_VIRTUAL] = {CPU_OF_PROCESS, SIGVTALRM},
	[ITIMER_PROF] = {CPU_OF_PROCESS, SIGPROF},
};

static struct timer *timer_make(struct process *p, s32 id, enum measure of, s32 signo)
{
	struct timer *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->process = p;
	t->id = id;
	t->of = of;
	t->signo = signo;
	return t;
}

/* Reads an interval timer into *old, and sets it if new is not NULL. Returns 0 or -errno. */
static int itimer(int which, const struct __kernel_itimerspec *new, struct __kernel_itimerspec *old)
{
	struct process *p = current_process();
	struct timer *t;
	int err = 0;

	memset(old, 0, sizeof(*old));
	mutex_lock(&task_lock);
	t = p->itimer[which];
	if (!t && new && (new->it_value.tv_sec || new->it_value.tv_nsec)) {
		t = p->itimer[which] = timer_make(p, INTERVAL_TIMER, itimer_kind[which].of,
						  itimer_kind[which].signal);
		err = t ? 0 : -ENOMEM;
	}
	if (t)
		get(t, old);
	if (t && new)
		err = set(t, BASE_MONOTONIC, false, new);
	mutex_unlock(&task_lock);
	return err;
}

static struct __kernel_timespec from_timeval(const struct __kernel_old_timeval *tv)
{
	return (struct __kernel_timespec){tv->tv_sec, tv->tv_usec * NSEC_PER_USEC};
}

static struct __kernel_old_timeval to_timeval(const struct __kernel_timespec *ts)
{
	/* An armed timer has at least 1 us left. */
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
	int err;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	err = itimer(which, NULL, &now);
	return err < 0 ? err : put_user(to_user(&now), value);
}

DEFINE_SYSCALL3(setitimer, int, which, uva, value, uva, ovalue)
{
	struct __kernel_itimerspec spec, old;
	struct itimerval_user new = {0};
	int err;

	/* Linux takes a null pointer as zero: the timer is disarmed. */
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
	int err = itimer(ITIMER_REAL, &spec, &old);

	if (err < 0)
		return 0; /* alarm(2) has no error, and there was no timer before */
	/* Rounded to the nearest second, but 0 means that no alarm was set. */
	if ((old.it_value.tv_sec == 0 && old.it_value.tv_nsec) ||
	    old.it_value.tv_nsec >= (s64)NSEC_PER_SEC / 2)
		old.it_value.tv_sec++;
	return old.it_value.tv_sec;
}

int timers_limit(struct process *p)
{
	u64 seconds = p->rlimit[RLIMIT_CPU].cur;
	struct __kernel_itimerspec spec = {.it_interval.tv_sec = 1};

	ASSERT_HELD(&task_lock);
	if (!p->cpu_limit && seconds == RLIM_INFINITY)
		return 0;
	if (!p->cpu_limit)
		p->cpu_limit = timer_make(p, CPU_LIMIT, CPU_OF_PROCESS, SIGXCPU);
	if (!p->cpu_limit)
		return -ENOMEM;
	/* RLIMIT_CPU 0 counts as a second, as on Linux. */
	spec.it_value.tv_sec = seconds > INT32_MAX ? 0 : (s64)MAX(seconds, 1UL);
	return set(p->cpu_limit, BASE_MONOTONIC, true, &spec);
}

/* -- timer_create(2) --------------------------------------------------------------------------- */

/* Returns the timer with that number, or NULL. task_lock is held, as for all functions below. */
static struct timer *posix_find(struct process *p, s32 id)
{
	struct timer *t;

	ASSERT_HELD(&task_lock);
	LIST_FOREACH (t, &p->posix_timers, link) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

void timer_signal_taken(siginfo_t *info)
{
	struct timer *t = posix_find(current_process(), info->si_tid);

	ASSERT_HELD(&task_lock);
	if (!t)
		return;
	/* Counts expirations up to this moment, also those that no look has counted. */
	if (t->of == TIME && t->interval && t->due)
		t->overrun += pass(t, base_now(t->base));
	t->last_overrun = (s32)MIN(t->overrun, (u64)OVERRUN_MAX);
	t->overrun = 0;
	info->si_overrun = t->last_overrun;
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
	case SIGEV_THREAD: /* the C library handles it; for the kernel it is a signal */
		return e->sigev_signo > 0 && e->sigev_signo <= NSIG;
	default:
		return false;
	}
}

/*
 * For a clock that wakes the machine: asks whether the host allows a timer on it. Returns 0 or
 * -errno.
 */
static int check_alarm_clock(s32 clock)
{
	s64 host = hc_timer_create((u64)clock);

	if (host >= 0)
		hc_timer_delete((u64)host);
	return MIN((int)host, 0);
}

/* Sets what a timer on this clock measures. Returns 0 or -errno. */
static int measure_of(s32 clock, struct timer *t)
{
	struct clock_cpu cpu;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return check_alarm_clock(clock);
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	}
	if (!clock_cpu_find(clock, &cpu))
		return -EINVAL;
	if (cpu.process != current_process()) {
		t->cpu_pid = cpu.process->pid;
		t->cpu_born = cpu.process->start_ns;
	}
	t->of = cpu.thread ? CPU_OF_THREAD : CPU_OF_PROCESS;
	t->cpu_tid = cpu.thread ? cpu.thread->tid : 0;
	return 0;
}

/* Makes the timer. Returns its number or -errno. */
static s32 posix_new(s32 clock, const sigevent_t *e, bool by_id)
{
	struct process *p = current_process();
	u32 payer = current_creds()->ruid;
	struct timer *t;
	int err;

	if (!event_valid(e))
		return -EINVAL;
	/* A timer reserves its signal. */
	if (!user_charge(payer, USER_SIGNALS, 1, p->rlimit[RLIMIT_SIGPENDING].cur))
		return -EAGAIN;
	t = timer_make(p, p->next_timer_id++, TIME, e->sigev_signo);
	err = t ? measure_of(clock, t) : -EAGAIN;
	if (err) {
		user_uncharge(payer, USER_SIGNALS, 1);
		kfree(t);
		return err;
	}
	t->payer = payer;
	t->clock = clock;
	t->notify = e->sigev_notify;
	t->value = e->sigev_value;
	t->tid = e->sigev_notify_thread_id;
	if (by_id) {
		t->value.sival_ptr = NULL;
		t->value.sival_int = t->id;
	}
	LIST_INSERT_HEAD(&p->posix_timers, t, link);
	return t->id;
}

static void posix_free(struct timer *t)
{
	disarm(t);
	signal_flush_timer(t->process, t->id);
	user_uncharge(t->payer, USER_SIGNALS, 1);
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

static void free_timer(struct timer **t)
{
	if (*t) {
		disarm(*t);
		kfree(*t);
	}
	*t = NULL;
}

void timers_exit(void)
{
	struct process *p = current_process();

	timers_exec();
	mutex_lock(&task_lock);
	for (unsigned i = 0; i < ARRAY_SIZE(p->itimer); i++)
		free_timer(&p->itimer[i]);
	free_timer(&p->cpu_limit);
	mutex_unlock(&task_lock);
}

DEFINE_SYSCALL3(timer_create, int, clock, uva, event, uva, id)
{
	sigevent_t e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	s64 result;
	s32 number;

	if (event && get_user(&e, event))
		return -EFAULT;
	mutex_lock(&task_lock);
	number = posix_new(clock, &e, event == 0);
	mutex_unlock(&task_lock);
	if (number < 0)
		return number;
	result = put_user(number, id);
	if (result) {
		struct timer *t;

		mutex_lock(&task_lock);
		t = posix_find(current_process(), number);
		if (t) /* another thread may have deleted it */
			posix_free(t);
		mutex_unlock(&task_lock);
	}
	return result;
}

/*
 * Converts a moment of CLOCK_TAI to CLOCK_REALTIME, which differs by some seconds. Returns 0 or
 * -errno.
 */
static int from_tai(struct __kernel_timespec *value)
{
	struct __kernel_timespec tai, real;
	s64 err = hc_clock_gettime(CLOCK_TAI, &tai, sizeof(tai));

	if (err == 0)
		err = hc_clock_gettime(CLOCK_REALTIME, &real, sizeof(real));
	if (err < 0)
		return (int)err;
	value->tv_sec -= (tai.tv_sec - real.tv_sec + (tai.tv_nsec < real.tv_nsec ? -1 : 0));
	/* A moment before 1970 has passed, too. */
	if (value->tv_sec < 0)
		*value = (struct __kernel_timespec){.tv_nsec = 1};
	return 0;
}

static int posix_set(struct timer *t, bool absolute, struct __kernel_itimerspec *new)
{
	enum base base = BASE_MONOTONIC;
	bool armed = new->it_value.tv_sec || new->it_value.tv_nsec;
	int err = 0;

	if (t->clock == CLOCK_BOOTTIME || t->clock == CLOCK_BOOTTIME_ALARM)
		base = BASE_BOOTTIME;
	/* For a time span, a clock that cannot be set does as well. */
	else if (absolute && t->of == TIME && t->clock != CLOCK_MONOTONIC)
		base = BASE_REALTIME;
	if (armed && absolute && t->clock == CLOCK_TAI)
		err = from_tai(&new->it_value);
	t->overrun = 0;
	t->last_overrun = 0;
	signal_flush_timer(t->process, t->id);
	return err ? err : set(t, base, absolute, new);
}

DEFINE_SYSCALL4(timer_settime, int, id, int, flags, uva, value, uva, ovalue)
{
	struct __kernel_itimerspec new, old;
	struct timer *t;
	int err;

	if (value == 0)
		return -EINVAL;
	if (get_user(&new, value))
		return -EFAULT;
	if (clock_from_timespec(&new.it_value) < 0 || clock_from_timespec(&new.it_interval) < 0)
		return -EINVAL;
	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	if (t)
		get(t, &old);
	err = t ? posix_set(t, flags & TIMER_ABSTIME, &new) : -EINVAL;
	mutex_unlock(&task_lock);
	if (err)
		return err;
	return ovalue ? put_user(old, ovalue) : 0;
}

DEFINE_SYSCALL2(timer_gettime, int, id, uva, value)
{
	struct __kernel_itimerspec now;
	struct timer *t;

	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	if (t)
		get(t, &now);
	mutex_unlock(&task_lock);
	return t ? put_user(now, value) : -EINVAL;
}

DEFINE_SYSCALL1(timer_getoverrun, int, id)
{
	struct timer *t;
	s64 result;

	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	result = t ? t->last_overrun : -EINVAL;
	mutex_unlock(&task_lock);
	return result;
}

DEFINE_SYSCALL1(timer_delete, int, id)
{
	struct timer *t;

	mutex_lock(&task_lock);
	t = posix_find(current_process(), id);
	if (t)
		posix_free(t);
	mutex_unlock(&task_lock);
	return t ? 0 : -EINVAL;
}

void timers_each(const struct process *p,
		 void (*fn)(void *arg, s32 id, s32 signo, u64 value, s32 notify, s32 tid,
			    s32 clock),
		 void *arg)
{
	const struct timer *t;

	ASSERT_HELD(&task_lock);
	LIST_FOREACH (t, &p->posix_timers, link)
		fn(arg, t->id, t->signo, (u64)t->value.sival_ptr, t->notify,
		   t->notify & SIGEV_THREAD_ID ? t->tid : p->pid, t->clock);
}
