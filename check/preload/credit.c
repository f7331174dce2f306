// SPDX-License-Identifier: MIT
/* See credit.h. */
#include "check/preload/credit.h"

/* TSC cycles. */
#define COST_MOST  400000UL	 /* limit for one call: beyond, the host ran something else ... */
#define COST_TIMES 4		 /* ... or this multiple of an object's cost, if that is more */
#define CREDIT	   (150UL << 20) /* the initial credit: some 60 ms ... */
#define OBJECTS	   1500		 /* ... or the cost of this number of objects, if that is more */
#define SHARERS	   4		 /* programs that have started when the initial credit is halved */
#define RANDOM	   5		 /* times the initial credit until no object is chosen any more */
#define SHARE	   10		 /* guards may use one part in SHARE of the time */

#define DEAD_SOON  4000000UL /* a batch is due when its first alias has waited so long ... */
#define DEAD_SHARE 8	     /* ... and this multiple of what the last batch cost */

void credit_spend(struct chk_credit *c, u64 took, bool object)
{
	u64 least = __atomic_load_n(&c->object, __ATOMIC_RELAXED);

	if (object && (!least || took < least))
		__atomic_store_n(&c->object, MAX(took, 1UL), __ATOMIC_RELAXED);
	/* Limited by the minimum so far: the host may have preempted the vCPU in this call. */
	took = MIN(took, MAX(COST_MOST, COST_TIMES * least));
	/* The first access to the object's pages costs about half as much again. */
	__atomic_fetch_add(&c->spent, took + took / 2, __ATOMIC_RELAXED);
}

enum chk_credit_left credit_left(const struct chk_credit *c, u64 elapsed, u64 starts)
{
	u64 object = __atomic_load_n(&c->object, __ATOMIC_RELAXED);
	u64 sum = MAX(CREDIT, OBJECTS * object) / (1 + starts / SHARERS);
	u64 used = __atomic_load_n(&c->spent, __ATOMIC_RELAXED);

	if (used < sum + elapsed / SHARE)
		return CREDIT_ENOUGH;
	/* The same sum once more is for the first objects of each site. */
	if (used < 2 * sum + elapsed / SHARE)
		return CREDIT_FIRST;
	return used < RANDOM * sum + elapsed / SHARE ? CREDIT_RANDOM : CREDIT_NONE;
}

bool credit_batch_is_due(u64 waited, u64 batch)
{
	return waited > MAX(DEAD_SOON, DEAD_SHARE * batch);
}
