/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: which thread runs on which vCPU (kernel/park.h: how threads sleep).
 *
 * A vCPU runs threads of the guest, sleeps in the host in a system call of one of them, or is idle.
 * About boot->cpus of them run at a time: a vCPU that comes back from the host goes on with its
 * thread in any case, and becomes idle later if too many run. The kernel itself is never preempted:
 * a vCPU changes threads in park, in sched_give_way, at the end of a thread, and right before a
 * program goes on (sched_before_program).
 *
 * sched_lock guards the state of each thread and vCPU, the queue of ready threads, and the
 * sleepers. It is held across a switch: the thread that goes on releases the lock that the thread
 * which stopped has taken.
 */
#ifndef KERNEL_TASK_SCHEDULE_H
#define KERNEL_TASK_SCHEDULE_H

#include "common/types.h"
#include "kernel/lock.h"
#include "kernel/task/runqueue.h"
#include "kernel/task/parking_lot.h"

struct thread;
struct vcpu;

enum thread_state {
	THREAD_NEW,	/* never ran yet */
	THREAD_RUNNING, /* has a vCPU, which may be in the host for it */
	THREAD_READY,	/* in the queue */
	THREAD_PARKED,	/* sleeps on a word */
	THREAD_ENDED,	/* only its memory exists */
};

/* The scheduler's fields of a thread. sched_lock guards them, except .kicked. */
struct sched_thread {
	enum thread_state state;
	struct runnable run;
	struct parked parked; /* with THREAD_PARKED */
	bool steady;	      /* kicks do not end its sleep */
	bool kicked;	      /* since its last signal_upcall(): its next park ends at once */
	s64 woken_by;	      /* what park returns */
	u64 started;	      /* TSC when it got its vCPU */
	u64 gave;	      /* TSC when it last made another thread ready */
	u32 hands_over;	      /* how often in a row it slept soon after that */
	u64 clock, system;    /* of its vCPU when it got it (hostcall_cpu_ns, .system_ns) */
};

extern struct mutex sched_lock;

/* Called once: the first thread runs on the vCPU that boots. */
void sched_init(struct thread *first);

/* Makes t ready, which is linked and never ran. Takes sched_lock. */
void sched_start(struct thread *t);
/* The running thread has ended; the next thread on this vCPU frees it. No lock is held. */
__attribute__((noreturn)) void sched_thread_ends(void);

/*
 * The program of the running thread is about to go on: lets other threads run first if they are
 * due. No lock is held.
 */
void sched_before_program(void);

/* Wakes the sleepers whose deadline has passed, and does what the alarm is for. No lock is held. */
void sched_expire(void);

/*
 * sched_yield(2): lets all ready threads run first. Returns false if no thread is ready. No lock is
 * held.
 */
bool sched_give_way(void);

/*
 * Makes t look at what is pending for it, wherever it is: it leaves its program, its park ends, or
 * its hostcall returns -EINTR. task_lock is held, so that t exists.
 */
void sched_kick(struct thread *t);

/*
 * sched.c: writes the CPUs that t may run on to mask, which has size bytes. Returns the number of
 * bytes written, or -EINVAL.
 */
s64 affinity_of(const struct thread *t, u64 *mask, u32 size);

/* Returns true if t runs or would run if it had a CPU: 'R' in proc(5). A hint. */
bool sched_is_runnable(const struct thread *t);

/*
 * For vcpu.c; sched_lock is held. sched_next removes the thread that runs next on the running vCPU
 * from the queue and returns it; it returns NULL if no thread is ready or too many vCPUs run.
 * sched_switch goes on in next (NULL: in the vCPU's idle loop) and returns when something switches
 * back, with the lock held. Its caller then calls sched_switched, which releases the lock.
 */
struct thread *sched_next(void);
void sched_switch(struct vcpu *v, struct thread *next);
void sched_switched(void);
/*
 * How many threads are ready, and when the first sleeper is due (clock_monotonic_ns, or
 * PARK_NO_DEADLINE). Hints that need no lock; the monitor reads the words, too (hostcall tick).
 */
const u32 *sched_ready_word(void);
const u64 *sched_deadline_word(void);
static inline u32 sched_ready(void)
{
	return __atomic_load_n(sched_ready_word(), __ATOMIC_SEQ_CST);
}
static inline u64 sched_deadline(void)
{
	return __atomic_load_n(sched_deadline_word(), __ATOMIC_SEQ_CST);
}

#endif
