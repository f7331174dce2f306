// SPDX-License-Identifier: MIT
/*
 * The tick: looks, on behalf of the guest's scheduler, after threads that are ready while no vCPU
 * takes them, and after the deadlines of sleepers (kernel/task/schedule.h). A guest has no timer
 * interrupt, and an exit each time that two threads hand a CPU to each other would be dear; so the
 * guest writes down what waits, and a thread of the monitor reads it each millisecond. It does so
 * only while something waits or did lately; the guest starts it by hostcall tick.
 *
 * All that it does is to kick vCPUs: an idle one where a CPU is free, else those that run the same
 * thread for a while. The kernel then looks itself. What the guest writes is not trusted: a wrong
 * value makes kicks that the guest's own vCPUs pay for.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include "vm/hostcall.h"

#define TICK_NS	    1000000UL
#define SLICE_TICKS 3  /* a vCPU runs one thread for so long while others are ready */
#define QUIET_TICKS 50 /* without work: the thread goes to sleep */
#define NEVER	    (~0UL)
#define TICK_STACK  (64UL << 10)

static struct {
	pthread_mutex_t lock; /* the thread is made once */
	_Atomic u32 go;	      /* the word that it sleeps on; 0: it does */
	struct sandbox *s;
	/* The guest's, checked: aligned, and not behind a window. */
	const u32 *ready;
	const u64 *deadline;
	struct hostcall_tick *out;
	u32 turn; /* whose kick it is of those that sleep in the host */
} tick = {.lock = PTHREAD_MUTEX_INITIALIZER};

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void kick(struct vcpu *v)
{
	__atomic_store_n(&v->data->upcall, 1, __ATOMIC_SEQ_CST);
	vcpu_kick(v);
}

/* Kicks one vCPU whose state is this one. False: there is none. */
static bool kick_one(enum vcpu_state state, u32 first)
{
	struct vcpu *v;

	/* Ids are given one after another. */
	for (u32 id = first; id < VCPU_MAX && (v = READ_ONCE(tick.s->vcpu[id])); id++) {
		if (READ_ONCE(v->data->state) == (u32)state) {
			kick(v);
			tick.turn = id + 1;
			return true;
		}
	}
	return false;
}

/* Some vCPU is to look at the queue and the deadlines, and one that is idle is the best. */
static void kick_somebody(void)
{
	if (kick_one(VCPU_IDLE, 0) || kick_one(VCPU_RUNS, 0) || kick_one(VCPU_IN_HOST, tick.turn))
		return;
	kick_one(VCPU_IN_HOST, 0);
}

/* How many vCPUs run. Notes how long each has run the same thread. */
static u32 count_running(void)
{
	struct vcpu *v;
	u32 running = 0;

	for (u32 id = 0; id < VCPU_MAX && (v = READ_ONCE(tick.s->vcpu[id])); id++) {
		u32 switches = READ_ONCE(v->data->switches);
		bool runs = READ_ONCE(v->data->state) == VCPU_RUNS;

		running += runs;
		v->slice = runs && switches == v->switches ? v->slice + 1 : 0;
		v->switches = switches;
	}
	return running;
}

static void end_slices(void)
{
	struct vcpu *v;

	for (u32 id = 0; id < VCPU_MAX && (v = READ_ONCE(tick.s->vcpu[id])); id++) {
		if (v->slice < SLICE_TICKS)
			continue;
		v->slice = 0;
		kick(v);
	}
}

/* Returns whether there was something to do. *waits: looks at which a thread waited for a free CPU.
 */
static bool look(u32 *waits)
{
	u32 ready = READ_ONCE(*tick.ready);
	bool due = READ_ONCE(*tick.deadline) <= now_ns();
	bool free = count_running() < tick.s->opt.cpus;

	if (ready && !free)
		end_slices();
	/* At the second look: a thread that is ready for a moment is mostly taken by its waker's
	 * CPU. */
	*waits = ready && free ? *waits + 1 : 0;
	if (due || *waits > 1)
		kick_somebody();
	return ready || due;
}

/* Sleeps for a tick, or until the next deadline. */
static void pause_for(u64 ns)
{
	const u64 now = now_ns(), deadline = READ_ONCE(*tick.deadline);
	struct timespec ts;

	if (deadline > now)
		ns = MIN(ns, deadline - now);
	ts = (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
	nanosleep(&ts, NULL);
}

static void run(void)
{
	u32 quiet = 0, waits = 0;

	while (quiet < QUIET_TICKS) {
		pause_for(TICK_NS);
		quiet = look(&waits) ? 0 : quiet + 1;
	}
}

/* Until the guest wants ticks again, or the deadline that was the first is over. */
static void rest(void)
{
	u64 alarm = READ_ONCE(*tick.deadline);

	atomic_store(&tick.go, 0);
	__atomic_store_n(&tick.out->alarm_ns, alarm, __ATOMIC_SEQ_CST);
	__atomic_store_n(&tick.out->on, 0, __ATOMIC_SEQ_CST);
	/* What the guest wrote before it could see that: it trusts the tick with it. */
	while (!atomic_load(&tick.go) && !READ_ONCE(*tick.ready) &&
	       READ_ONCE(*tick.deadline) >= alarm) {
		u64 now = now_ns();
		struct timespec ts;

		if (alarm <= now)
			break;
		ts = (struct timespec){(time_t)((alarm - now) / 1000000000),
				       (long)((alarm - now) % 1000000000)};
		HOST_CALL(futex, (u64)&tick.go, FUTEX_WAIT_PRIVATE, 0,
			  alarm == NEVER ? 0 : (u64)&ts);
	}
	__atomic_store_n(&tick.out->alarm_ns, NEVER, __ATOMIC_SEQ_CST);
	__atomic_store_n(&tick.out->on, 1, __ATOMIC_SEQ_CST);
}

static void *tick_thread(void *arg)
{
	(void)arg;
	for (;;) {
		run();
		rest();
	}
	return NULL;
}

/* By a vCPU's thread. 0 or -errno. */
static s64 make_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	s64 ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, TICK_STACK);
	/* Not where a program bound the thread that makes it. */
	if (CPU_COUNT(&tick.s->cpus))
		pthread_attr_setaffinity_np(&attr, sizeof(tick.s->cpus), &tick.s->cpus);
	/* Signals from outside are vCPU 0's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&thread, &attr, tick_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return ret;
}

/* size bytes of the guest's RAM, where they stay; NULL: not there, or not aligned. */
static void *words_at(struct sandbox *s, u64 gpa, u64 size)
{
	if (!IS_ALIGNED(gpa, MIN(size, sizeof(u64))) || gpa >= s->mem.window_base)
		return NULL;
	return memory_at(s, (gpa_t){gpa}, size);
}

s64 hc_do_tick(struct call *c, u64 ready_gpa, u64 deadline_gpa, u64 tick_gpa)
{
	void *ready = words_at(c->s, ready_gpa, sizeof(*tick.ready));
	void *deadline = words_at(c->s, deadline_gpa, sizeof(*tick.deadline));
	void *out = words_at(c->s, tick_gpa, sizeof(*tick.out));
	s64 ret = 0;

	if (!ready || !deadline || !out)
		return -EFAULT;
	pthread_mutex_lock(&tick.lock);
	if (!tick.s) {
		tick.s = c->s;
		tick.ready = ready;
		tick.deadline = deadline;
		tick.out = out;
		__atomic_store_n(&tick.out->on, 1, __ATOMIC_SEQ_CST);
		atomic_store(&tick.go, 1);
		ret = make_thread();
		if (ret < 0)
			tick.s = NULL;
	} else if (ready != tick.ready || deadline != tick.deadline || out != tick.out) {
		ret = -EINVAL;
	} else {
		__atomic_store_n(&tick.out->on, 1, __ATOMIC_SEQ_CST);
		atomic_store(&tick.go, 1);
		HOST_CALL(futex, (u64)&tick.go, FUTEX_WAKE_PRIVATE, 1);
	}
	pthread_mutex_unlock(&tick.lock);
	return ret;
}
