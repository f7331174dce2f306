/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: which thread runs on which vCPU (kernel/park.h has how threads sleep).
 *
 * A vCPU runs threads of the guest, sleeps in the host in a system call of one of them, or is idle.
 * At most `cpus` of them run at a time, more or less: a vCPU that comes back from the host goes on
 * with its thread in any case, and goes idle after that if there are too many. The kernel itself is
 * never preempted: threads change in park, at the end of a thread, and right before a program goes
 * on (sched_before_program).
 *
 * sched_lock guards which state each thread and vCPU is in, the queue of ready threads, and who
 * sleeps on what. It is held across a switch: the thread that goes on releases what the one that
 * stopped has taken.
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
	THREAD_ENDED,	/* only its memory is there */
};

/* A thread's part of the scheduler. sched_lock, but for .kicked. */
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
	u64 clock, system;    /* of its vCPU (hostcall_cpu_ns, .system_ns), when it got it */
};

extern struct mutex sched_lock;

/* Once: the first thread runs on the vCPU that boots. */
void sched_init(struct thread *first);

/* t, which is linked and never ran, may run. */
void sched_start(struct thread *t);
/* The running thread is no more; it is freed by the next one on this vCPU. No lock is held. */
__attribute__((noreturn)) void sched_thread_ends(void);

/* The program of the running thread is about to go on: other threads may come first. */
void sched_before_program(void);

/* Wakes the sleepers whose time is over. No lock is held. */
void sched_expire(void);

/* sched_yield(2): threads that are ready come first. False: there are none. */
bool sched_give_way(void);

/*
 * Makes t look at what is pending for it, wherever it is: it leaves its program, its park ends,
 * its hostcall returns -EINTR. task_lock held, so that t is there.
 */
void sched_kick(struct thread *t);

/* sched.c: CPUs that t may run on, at most size bytes. Returns how many bytes, or -errno. */
s64 affinity_of(const struct thread *t, u64 *mask, u32 size);

/* t would run if it had a CPU: 'R' of proc(5). A hint. */
bool sched_is_runnable(const struct thread *t);

/*
 * For vcpu.c, sched_lock held. The thread that runs next on the running vCPU, taken out of the
 * queue; NULL: none, or enough vCPUs run. sched_switch goes on in next (NULL: in the vCPU's idle
 * loop) and returns when somebody switches back; the lock is held then, and the caller calls
 * sched_switched, which releases it.
 */
struct thread *sched_next(void);
void sched_switch(struct vcpu *v, struct thread *next);
void sched_switched(void);
/*
 * How many threads are ready, and when the first sleeper is due (clock_monotonic_ns, or
 * PARK_NO_DEADLINE). Hints without the lock; the monitor reads the words, too (hostcall tick).
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
