/* SPDX-License-Identifier: MIT */
/*
 * What the automatic level may spend. Guarding an object costs 1 us on hardware, 40 where changes
 * of page tables are emulated, and more elsewhere. What is to be had for it shall be the same on
 * all of them, as far as a user would wait for it: so the sum to begin with is at least that of a
 * number of objects, at what an object costs here. All times are TSC cycles.
 */
#ifndef CHECK_PRELOAD_CREDIT_H
#define CHECK_PRELOAD_CREDIT_H

#include "common/types.h"

/* Threads use it without a lock; a note that is lost does no harm. */
struct chk_credit {
	u64 spent;
	u64 object; /* the least time that the kernel took to make a page-level object; 0: none yet
		     */
};

/* The kernel was called for `took` cycles. object: for one object at page level. */
void credit_spend(struct chk_credit *c, u64 took, bool object);

enum chk_credit_left {
	CREDIT_NONE,
	CREDIT_FIRST, /* enough for the first objects of a site, not for further ones */
	CREDIT_ENOUGH,
};

/*
 * `elapsed` cycles after the start of a process. starts: programs that this process was before it,
 * and its ancestors; the more, the less each gets to begin with.
 */
enum chk_credit_left credit_left(const struct chk_credit *c, u64 elapsed, u64 starts);

/*
 * Ends of aliases wait to be made many at once. Returns true if those that have waited for
 * `waited` cycles should go, the last batch having cost `batch` cycles: then there are so few that
 * a batch costs a small part of the time.
 */
bool credit_batch_is_due(u64 waited, u64 batch);

#endif
