// SPDX-License-Identifier: MIT
/* See credit.h. */
#include "check/preload/credit.h"

/* TSC cycles. */
#define COST_MOST  400000UL	 /* of one call: more means that the host did something else ... */
#define COST_TIMES 4		 /* ... or so many times an object, where that is more */
#define CREDIT	   (150UL << 20) /* to begin with: some 60 ms ... */
#define OBJECTS	   1500		 /* ... or so many objects, where that is more */
#define SHARERS	   4		 /* programs after which each gets less to begin with */
#define SHARE	   10		 /* so much of the time may be the guard's: one in */

#define DEAD_SOON  4000000UL /* a batch in less time: they come often, and may wait for more */
#define DEAD_SHARE 8	     /* ... or one that costs more than this share of the time */

void credit_spend(struct chk_credit *c, u64 took, bool object)
{
	u64 least = __atomic_load_n(&c->object, __ATOMIC_RELAXED);

	if (object && (!least || took < least))
		__atomic_store_n(&c->object, MAX(took, 1UL), __ATOMIC_RELAXED);
	/* The least time before this: the first object's own may have an absence in it. */
	took = MIN(took, MAX(COST_MOST, COST_TIMES * least));
	/* The first touch of its pages costs about as much again as half of that. */
	__atomic_fetch_add(&c->spent, took + took / 2, __ATOMIC_RELAXED);
}

enum chk_credit_left credit_left(const struct chk_credit *c, u64 elapsed, u64 starts)
{
	u64 object = __atomic_load_n(&c->object, __ATOMIC_RELAXED);
	u64 sum = MAX(CREDIT, OBJECTS * object) / (1 + starts / SHARERS);
	u64 used = __atomic_load_n(&c->spent, __ATOMIC_RELAXED);

	if (used < sum + elapsed / SHARE)
		return CREDIT_ENOUGH;
	/* As much again for the first objects of each site. */
	return used < 2 * sum + elapsed / SHARE ? CREDIT_FIRST : CREDIT_NONE;
}

bool credit_batch_is_due(u64 waited, u64 batch)
{
	return waited > MAX(DEAD_SOON, DEAD_SHARE * batch);
}
