// SPDX-License-Identifier: MIT
/* See credit.h. */
#include "check/preload/credit.h"

/* TSC cycles. */
#define COST_MOST  400000UL	 /* limit for the first call of a kind ... */
#define COST_TIMES 3		 /* ... and for others this multiple of the least cost so far */
#define CREDIT	   (150UL << 20) /* the initial credit: some 60 ms ... */
#define OBJECTS	   1500		 /* ... or the cost of this number of objects, if that is more */
#define RANDOM	   3	   /* times the initial credit until no object is chosen any more ... */
#define EDGES	   11000UL /* ... or the cost of this number of aliases, if that is more */
#define SHARE	   20	   /* guards may use one part in SHARE of the time */
#define TELL	   64	   /* a process tells when it has spent one part in TELL of CREDIT */

#define DEAD_SOON  4000000UL /* a batch is due when its first alias has waited so long ... */
#define DEAD_SHARE 8	     /* ... and this multiple of what the last batch cost */

/* The first access to an object's pages costs about half as much again as its system calls. */
static u64 with_faults(u64 cost)
{
	return cost + cost / 2;
}

void credit_spend(struct chk_credit *c, enum chk_cost kind, u64 took, u32 count)
{
	u64 each = MAX(took / count, 1UL);
	u64 least = __atomic_load_n(&c->tree.least[kind], __ATOMIC_RELAXED);

	if (!least || each < least)
		__atomic_store_n(&c->tree.least[kind], each, __ATOMIC_RELAXED);
	/* The host may have run something else meanwhile, so the least cost limits the others. */
	each = MIN(each, least ? COST_TIMES * least : COST_MOST);
	took = with_faults(each * count);
	__atomic_fetch_add(&c->tree.spent, took, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->untold, took, __ATOMIC_RELAXED);
}

bool credit_is_to_be_told(const struct chk_credit *c)
{
	return __atomic_load_n(&c->untold, __ATOMIC_RELAXED) > CREDIT / TELL;
}

static u64 least_cost(const struct chk_credit *c, enum chk_cost kind)
{
	return __atomic_load_n(&c->tree.least[kind], __ATOMIC_RELAXED);
}

enum chk_credit_left credit_left(const struct chk_credit *c, u64 now)
{
	u64 begun = __atomic_load_n(&c->tree.begun, __ATOMIC_RELAXED);
	u64 share = now > begun ? (now - begun) / SHARE : 0;
	u64 used = __atomic_load_n(&c->tree.spent, __ATOMIC_RELAXED);
	u64 sum = MAX(CREDIT, OBJECTS * least_cost(c, CHK_COST_OBJECT));
	u64 edge = with_faults(least_cost(c, CHK_COST_ALIAS) + least_cost(c, CHK_COST_END));

	if (used < sum + share)
		return CREDIT_ENOUGH;
	/* The same sum once more is for the first objects of each site. */
	if (used < 2 * sum + share)
		return CREDIT_FIRST;
	return used < MAX(RANDOM * sum, EDGES * edge) + share ? CREDIT_RANDOM : CREDIT_NONE;
}

bool credit_batch_is_due(u64 waited, u64 batch)
{
	return waited > MAX(DEAD_SOON, DEAD_SHARE * batch);
}
