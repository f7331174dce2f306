// SPDX-License-Identifier: MIT
/*
 * See schedule.h and kernel/park.h. vcpu.c has the vCPUs.
 *
 * A thread that was made ready gets a CPU in one of three ways. First, without an exit: the vCPU
 * that made it ready stops its own thread. Second: before a program goes on, the kernel looks
 * whether a CPU is free, and wakes a vCPU for it. Third: the monitor's tick (vm/tick.c) finds
 * threads that have been ready for a while, and kicks a vCPU.
 */
#include "kernel/task/schedule.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/fs/timerfd.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/park.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace_debug.h"
#include "kernel/task/usage.h"
#include "kernel/task/vcpu.h"
#include "kernel/time/clock.h"

#include <linux/sched.h>

/* SCHED_IDLE counts as the lowest nice value: sched(7). */
#define NICE_IDLE  19

/* How long a thread runs while others are ready. */
#define SLICE_US   2000

/*
 * A thread that sleeps within SOON_US after it made another one ready hands its CPU over. After
 * HANDS_OVER times in a row it is expected to do so again, and no vCPU is woken for the other
 * thread.
 */
#define SOON_US	   150
#define HANDS_OVER 2

struct mutex sched_lock = MUTEX_INIT(LOCK_SCHED);

static struct runqueue ready GUARDED_BY(sched_lock);
static struct parking_lot lot GUARDED_BY(sched_lock);

/* The alarm is a sleeper without a thread, on a word of its own. */
static struct parked alarm GUARDED_BY(sched_lock);
static const u32 alarm_word;
static bool alarm_set GUARDED_BY(sched_lock);

static u64 ticks(u64 us)
{
	return us * (boot->tsc_khz / 1000);
}

static struct thread *thread_of(struct runnable *r)
{
	return r ? container_of(r, struct thread, sched.run) : NULL;
}

UNCHECKED_LOCKING const u32 *sched_ready_word(void)
{
	return &ready.count;
}

UNCHECKED_LOCKING const u64 *sched_deadline_word(void)
{
	return &lot.first_deadline;
}

static void make_ready(struct thread *t)
{
	ASSERT_HELD(&sched_lock);
	t->sched.state = THREAD_READY;
	run_add(&ready, &t->sched.run);
}

/* Makes a sleeping thread ready; its park returns why. */
static void wake(struct thread *t, s64 why)
{
	ASSERT_HELD(&sched_lock);
	lot_remove(&lot, &t->sched.parked);
	t->sched.woken_by = why;
	make_ready(t);
}

static void clear_alarm(void)
{
	ASSERT_HELD(&sched_lock);
	if (alarm_set)
		lot_remove(&lot, &alarm);
	alarm_set = false;
}

void park_alarm(u64 when)
{
	mutex_lock(&sched_lock);
	clear_alarm();
	if (when != PARK_FOREVER) {
		lot_add(&lot, &alarm, &alarm_word, when);
		alarm_set = true;
	}
	mutex_unlock(&sched_lock);
}

void sched_expire(void)
{
	bool is_alarm = false;
	struct parked *s;
	u64 now;

	if (sched_deadline() == PARK_NO_DEADLINE)
		return;
	now = clock_monotonic_ns(); /* not under the lock: it may ask the host */
	if (now < sched_deadline())
		return;
	mutex_lock(&sched_lock);
	while ((s = lot_due(&lot, now))) {
		if (s == &alarm) {
			is_alarm = true;
			clear_alarm();
		} else {
			wake(container_of(s, struct thread, sched.parked), -ETIMEDOUT);
		}
	}
	mutex_unlock(&sched_lock);
	if (is_alarm)
		timerfds_expire(now);
}

struct thread *sched_next(void)
{
	ASSERT_HELD(&sched_lock);
	return vcpu_too_many() ? NULL : thread_of(run_take(&ready));
}

/* Begins to count the time of t, which runs on the vCPU with these data. */
static void begin_slice(struct thread *t, struct vcpu_data *d)
{
	t->sched.started = arch_rdtsc();
	/* The monitor's name for who makes the next hostcalls of this vCPU. */
	d->comm_gpa = virt_to_phys(t->comm);
	d->pid = t->proc ? (u32)t->proc->pid : 0;
	usage_start(t, d);
}

/* Adds the time since begin_slice to t's. */
static void charge(struct thread *t, const struct vcpu_data *d)
{
	u64 cycles = arch_rdtsc() - t->sched.started;
	u64 ns = boot->tsc_khz ? cycles * 1000000 / boot->tsc_khz : cycles;

	usage_stop(t, d);
	run_charge(&t->sched.run, ns, t->policy == SCHED_IDLE ? NICE_IDLE : t->nice);
}

void sched_init(struct thread *first)
{
	mutex_lock(&sched_lock);
	lot_init(&lot);
	first->sched.state = THREAD_RUNNING;
	begin_slice(first, arch_vcpu_data());
	mutex_unlock(&sched_lock);
}

/* Adds the time of the running thread so far, because it is about to be compared with others. */
static void recharge(struct thread *t)
{
	struct vcpu_data *d = arch_vcpu_data();

	ASSERT_HELD(&sched_lock);
	charge(t, d);
	begin_slice(t, d);
}

UNCHECKED_LOCKING void sched_switch(struct vcpu *v, struct thread *next)
{
	struct vcpu_data *d = arch_vcpu_data();
	struct thread *last = v->running;

	ASSERT_HELD(&sched_lock);
	if (last)
		charge(last, d);
	v->running = next;
	WRITE_ONCE(d->switches, d->switches + 1);
	if (next) {
		next->sched.state = THREAD_RUNNING;
		next->vcpu = v->id;
		begin_slice(next, d);
		/* Its hostcalls and its way out have to notice the kick. */
		if (next->sched.kicked)
			__atomic_store_n(&d->upcall, 1, __ATOMIC_SEQ_CST);
	}
	arch_context_switch(last ? &last->context : &v->idle, next ? &next->context : &v->idle);
}

/* The rest of a switch, in the thread that goes on. */
UNCHECKED_LOCKING void sched_switched(void)
{
	struct vcpu *v = vcpu_self();
	struct thread *dead = v->dead, *t = current();

	v->dead = NULL;
	mutex_unlock(&sched_lock);
	if (dead)
		thread_free(dead);
	if (!t)
		return;
	vcpu_enter_mm(t->proc->mm);
	vcpu_affinity(&t->cpus);
	ptrace_debug_load(t);
	/*
	 * For one ready thread one vCPU is woken here; that vCPU does the same for the next thread.
	 */
	if (sched_ready())
		vcpu_spread();
}

/*
 * Stops the running thread, whose new state is set, and runs the next one. sched_lock is held, and
 * released when this returns.
 */
UNCHECKED_LOCKING static void stop_running(void)
{
	struct vcpu *v = vcpu_self();
	struct thread *next = sched_next();

	if (next == v->running) { /* no other thread comes before it */
		next->sched.state = THREAD_RUNNING;
		mutex_unlock(&sched_lock);
		return;
	}
	sched_switch(v, next);
	sched_switched();
}

/* The first code of a new thread. */
UNCHECKED_LOCKING static void first_switch(void)
{
	sched_switched();
	thread_begin(current());
}

void sched_start(struct thread *t)
{
	struct thread *parent = current();

	arch_kstack_bind(t->context.kstack, t, 0);
	arch_context_init(&t->context, first_switch);
	mutex_lock(&sched_lock);
	recharge(parent);
	t->sched.run.vtime = parent->sched.run.vtime;
	parent->sched.gave = arch_rdtsc();
	make_ready(t);
	mutex_unlock(&sched_lock);
}

UNCHECKED_LOCKING void sched_thread_ends(void)
{
	struct vcpu *v;

	lock_assert_none();
	mutex_lock(&sched_lock);
	v = vcpu_self();
	v->dead = v->running;
	v->dead->sched.state = THREAD_ENDED;
	sched_switch(v, sched_next());
	__builtin_unreachable();
}

/*
 * The running thread is about to sleep: counts whether that is soon after it made another thread
 * ready.
 */
static void note_handover(struct sched_thread *s)
{
	if (!s->gave)
		return;
	s->hands_over = arch_rdtsc() - s->gave < ticks(SOON_US) ? s->hands_over + 1 : 0;
	s->gave = 0;
}

UNCHECKED_LOCKING static s64 sleep_on(const u32 *word, u32 value, u64 deadline, bool steady)
{
	struct thread *t = current();
	struct sched_thread *s = &t->sched;

	lock_assert_none();
	sched_expire();
	mutex_lock(&sched_lock);
	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
		mutex_unlock(&sched_lock);
		return -EAGAIN;
	}
	if (s->kicked && !steady) {
		mutex_unlock(&sched_lock);
		return -EINTR;
	}
	note_handover(s);
	s->state = THREAD_PARKED;
	s->steady = steady;
	lot_add(&lot, &s->parked, word, deadline);
	t->voluntary++;
	stop_running();
	return s->woken_by;
}

s64 park(const u32 *word, u32 value, u64 timeout_ns)
{
	u64 deadline = PARK_NO_DEADLINE;

	if (timeout_ns != PARK_FOREVER &&
	    __builtin_add_overflow(clock_monotonic_ns(), timeout_ns, &deadline))
		deadline = PARK_NO_DEADLINE;
	return sleep_on(word, value, deadline, false);
}

void park_steady(const u32 *word, u32 value)
{
	sleep_on(word, value, PARK_NO_DEADLINE, true);
}

void unpark(const u32 *word, u32 count)
{
	struct thread *self = current();
	struct parked *s;

	mutex_lock(&sched_lock);
	for (; count && (s = lot_on(&lot, word)); count--) {
		wake(container_of(s, struct thread, sched.parked), 0);
		if (self)
			self->sched.gave = arch_rdtsc();
	}
	mutex_unlock(&sched_lock);
}

void sched_kick(struct thread *t)
{
	struct sched_thread *s = &t->sched;
	bool kick = false;
	u32 vcpu = 0;

	ASSERT_HELD(&task_lock);
	mutex_lock(&sched_lock);
	__atomic_store_n(&s->kicked, true, __ATOMIC_SEQ_CST);
	if (s->state == THREAD_PARKED && !s->steady) {
		wake(t, -EINTR);
	} else if (s->state == THREAD_RUNNING) {
		vcpu = t->vcpu;
		kick = arch_vcpu_notify(vcpu);
	}
	mutex_unlock(&sched_lock);
	if (kick)
		hc_vcpu_kick(vcpu);
}

UNCHECKED_LOCKING bool sched_give_way(void)
{
	struct thread *t = current();

	sched_expire();
	mutex_lock(&sched_lock);
	if (!ready.count) {
		mutex_unlock(&sched_lock);
		return false;
	}
	recharge(t);
	run_yield(&ready, &t->sched.run);
	make_ready(t);
	stop_running();
	return true;
}

/*
 * The running thread has used its slice, and other threads wait: makes it ready and runs the next
 * one.
 */
UNCHECKED_LOCKING static void preempt(void)
{
	struct thread *t = current();

	mutex_lock(&sched_lock);
	recharge(t);
	t->involuntary++;
	make_ready(t);
	stop_running();
}

/* Returns true if no thread is ready, and something looks when the first sleeper is due. */
static bool nothing_waits(void)
{
	sched_expire();
	return !sched_ready() && vcpu_watches_deadline();
}

void sched_before_program(void)
{
	struct sched_thread *s = &current()->sched;
	u64 now;

	if (nothing_waits())
		return;
	now = arch_rdtsc();
	/*
	 * The thread will probably sleep soon, and the ready thread gets this CPU without an exit.
	 */
	if (sched_ready() == 1 && s->hands_over >= HANDS_OVER && vcpu_ticks()) {
		if (now - s->gave < ticks(SOON_US))
			return;
		s->hands_over = 0;
	}
	vcpu_spread();
	if (sched_ready() && now - s->started > ticks(SLICE_US))
		preempt();
}

bool sched_is_runnable(const struct thread *t)
{
	return READ_ONCE(t->sched.state) == THREAD_READY ||
	       (READ_ONCE(t->sched.state) == THREAD_RUNNING && !vcpu_in_host(t->vcpu));
}
