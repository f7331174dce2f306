// SPDX-License-Identifier: MIT
/*
 * The tick: a thread that looks, for the guest's scheduler, after threads that are ready while no
 * vCPU takes them, and after the deadlines of sleepers (kernel/task/schedule.h). A guest has no
 * timer interrupt, and an exit each time that two threads hand a CPU to each other would be
 * expensive. So the guest writes to memory what waits, and the tick reads that each millisecond. It
 * does so only while a thread waits or did lately; the guest starts it by hostcall tick.
 *
 * The tick only kicks vCPUs: an idle one if a CPU is free, else those that have run the same thread
 * for a while. The kernel then looks itself. The tick does not trust what the guest writes: a wrong
 * value causes kicks, which cost only the guest's own vCPUs.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include "vm/hostcall.h"

#define TICK_NS	    1000000UL
#define SLICE_TICKS 3  /* ticks for which a vCPU runs one thread while others are ready */
#define QUIET_TICKS 50 /* ticks without work until the thread sleeps */
#define NEVER	    (~0UL)
#define TICK_STACK  (64UL << 10)

static struct {
	pthread_mutex_t lock; /* held by hostcall tick: the thread is made once */
	_Atomic u32 go;	      /* the thread's futex word; 0: it sleeps */
	struct sandbox *s;
	/* In guest memory. hc_do_tick has checked that they are aligned and not behind a window. */
	const u32 *ready;
	const u64 *deadline;
	struct hostcall_tick *out;
	u32 turn; /* the vCPU at which the next search for one in the host begins */
} tick = {.lock = PTHREAD_MUTEX_INITIALIZER};

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/*
 * Kicks the first vCPU from number `first` on that has this state. Returns false if there is none.
 */
static bool kick_one(enum vcpu_state state, u32 first)
{
	struct vcpu *v;

	/* Numbers of vCPUs are consecutive. */
	for (u32 id = first; id < VCPU_MAX && (v = READ_ONCE(tick.s->vcpu[id])); id++) {
		if (READ_ONCE(v->data->state) == (u32)state) {
			vcpu_notify(v);
			tick.turn = id + 1;
			return true;
		}
	}
	return false;
}

/* Makes a vCPU look at the queue and the deadlines: an idle one if there is one. */
static void kick_somebody(void)
{
	if (kick_one(VCPU_IDLE, 0) || kick_one(VCPU_RUNS, 0) || kick_one(VCPU_IN_HOST, tick.turn))
		return;
	kick_one(VCPU_IN_HOST, 0);
}

/* Returns how many vCPUs run. Counts for how many looks each has run the same thread. */
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
		vcpu_notify(v);
	}
}

/*
 * Looks once. Returns whether a thread was ready or a deadline over. *waits counts the looks in a
 * row at which a thread was ready and a CPU free.
 */
static bool look(u32 *waits)
{
	u32 ready = READ_ONCE(*tick.ready);
	bool due = READ_ONCE(*tick.deadline) <= now_ns();
	bool free = count_running() < tick.s->opt.cpus;

	if (ready && !free)
		end_slices();
	/*
	 * Kicks only at the second look, because the CPU of its waker mostly takes a ready thread
	 * at once.
	 */
	*waits = ready && free ? *waits + 1 : 0;
	if (due || *waits > 1)
		kick_somebody();
	return ready || due;
}

/* Sleeps for ns, or until the next deadline if that is earlier. */
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

/*
 * Sleeps until the guest makes hostcall tick again, or until the deadline that is first now is
 * over.
 */
static void rest(void)
{
	u64 alarm = READ_ONCE(*tick.deadline);

	atomic_store(&tick.go, 0);
	__atomic_store_n(&tick.out->alarm_ns, alarm, __ATOMIC_SEQ_CST);
	__atomic_store_n(&tick.out->on, 0, __ATOMIC_SEQ_CST);
	/*
	 * Reads the guest's words again, because the guest relies on the tick for what it wrote
	 * before it saw .on cleared.
	 */
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

/*
 * Returns the host address of size bytes at gpa, or NULL if they are not in the guest's RAM or not
 * aligned. A window could go away; RAM stays.
 */
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
		ret = host_thread_start(tick_thread, NULL, TICK_STACK, 0, &c->s->cpus);
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
