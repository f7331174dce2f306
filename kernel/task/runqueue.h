/* SPDX-License-Identifier: MIT */
/*
 * Which thread gets a CPU next: the one that has used the least CPU time, weighted by its nice
 * value (fair queueing, as in Linux's scheduler of SCHED_OTHER). This is pure logic: a lock of the
 * caller guards everything.
 *
 * Each runnable has a virtual time: the time that it ran, divided by its weight. The queue is
 * ordered by it. .floor is the largest virtual time that left the queue as its first, and never
 * decreases. A runnable that slept starts at most RUN_CREDIT_NS below .floor, so that it cannot
 * save up time by sleeping.
 */
#ifndef KERNEL_TASK_RUNQUEUE_H
#define KERNEL_TASK_RUNQUEUE_H

#include <bsd/sys/tree.h>
#include "common/types.h"

struct runnable {
	RB_ENTRY(runnable) link;
	u64 vtime; /* virtual nanoseconds */
	u64 order; /* orders equal vtimes by arrival */
};

RB_HEAD(run_tree, runnable);
struct runqueue {
	struct run_tree tree;
	u64 floor, next_order;
	u32 count; /* may be read without the lock as a hint */
};

/* How far a sleeper may be ahead of the others when it wakes, in virtual nanoseconds. */
#define RUN_CREDIT_NS 3000000

/* Queues r, which is not queued. */
void run_add(struct runqueue *q, struct runnable *r);
/* Removes the first from the queue and returns it, or returns NULL. */
struct runnable *run_take(struct runqueue *q);
/* Removes r from the queue. */
void run_remove(struct runqueue *q, struct runnable *r);
/* Adds ns of CPU time with this nice value (-20..19) to r, which is not queued. */
void run_charge(struct runnable *r, u64 ns, s32 nice);
/* Puts r, which is not queued, behind all that are queued now. */
void run_yield(struct runqueue *q, struct runnable *r);

#endif
