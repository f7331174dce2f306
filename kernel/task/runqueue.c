// SPDX-License-Identifier: MIT
/* See runqueue.h. */
#include "kernel/task/runqueue.h"
#include "kernel/kernel.h"

#define WEIGHT_0 1024 /* of nice 0; each step is a factor of 5/4: sched(7), "The nice value" */

static int compare(const struct runnable *a, const struct runnable *b)
{
	if (a->vtime != b->vtime)
		return a->vtime < b->vtime ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

#define UNUSED_STATIC __attribute__((unused)) static
RB_GENERATE_INTERNAL(run_tree, runnable, link, compare, UNUSED_STATIC)

static u64 weight(s32 nice)
{
	u64 w = WEIGHT_0;

	for (; nice < 0; nice++)
		w = w * 5 / 4;
	for (; nice > 0; nice--)
		w = w * 4 / 5;
	return w; /* nice 19: 12 */
}

void run_add(struct runqueue *q, struct runnable *r)
{
	u64 least = q->floor - MIN(q->floor, (u64)RUN_CREDIT_NS);

	r->vtime = MAX(r->vtime, least);
	r->order = q->next_order++;
	RB_INSERT(run_tree, &q->tree, r);
	__atomic_store_n(&q->count, q->count + 1, __ATOMIC_SEQ_CST);
}

void run_remove(struct runqueue *q, struct runnable *r)
{
	RB_REMOVE(run_tree, &q->tree, r);
	__atomic_store_n(&q->count, q->count - 1, __ATOMIC_SEQ_CST);
}

struct runnable *run_take(struct runqueue *q)
{
	struct runnable *r = RB_MIN(run_tree, &q->tree);

	if (!r)
		return NULL;
	run_remove(q, r);
	q->floor = MAX(q->floor, r->vtime);
	return r;
}

void run_charge(struct runnable *r, u64 ns, s32 nice)
{
	r->vtime += ns * WEIGHT_0 / weight(nice);
}

void run_yield(struct runqueue *q, struct runnable *r)
{
	struct runnable *last = RB_MAX(run_tree, &q->tree);

	if (last)
		r->vtime = MAX(r->vtime, last->vtime);
}
