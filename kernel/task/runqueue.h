/* SPDX-License-Identifier: MIT */
/*
 * Which thread gets a CPU next: the one that had the least of it, weighed by its nice value (fair
 * queueing; Linux's scheduler of SCHED_OTHER works alike). Pure logic: a lock of the caller guards
 * everything.
 *
 * Each runnable has a virtual time, the time it ran divided by its weight. The queue is ordered by
 * it. .floor follows the least of them and never goes back; a runnable that slept starts not far
 * below it, so that sleep is no credit for later.
 */
#ifndef KERNEL_TASK_RUNQUEUE_H
#define KERNEL_TASK_RUNQUEUE_H

#include <bsd/sys/tree.h>
#include "common/types.h"

struct runnable {
	RB_ENTRY(runnable) link;
	u64 vtime; /* virtual nanoseconds */
	u64 order; /* of two with the same vtime the one that came first is first */
};

RB_HEAD(run_tree, runnable);
struct runqueue {
	struct run_tree tree;
	u64 floor, next_order;
	u32 count; /* may be read without the lock, as a hint */
};

/* What a sleeper may be ahead of the others when it wakes, in virtual nanoseconds. */
#define RUN_CREDIT_NS 3000000

/* r is not queued. */
void run_add(struct runqueue *q, struct runnable *r);
/* The first, which is queued no more; NULL: there is none. */
struct runnable *run_take(struct runqueue *q);
/* r is queued. */
void run_remove(struct runqueue *q, struct runnable *r);
/* r, which is not queued, ran for so long with this nice value (-20..19). */
void run_charge(struct runnable *r, u64 ns, s32 nice);
/* r, which is not queued, wants all that are queued now to be first. */
void run_yield(struct runqueue *q, struct runnable *r);

#endif
