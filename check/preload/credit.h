/* SPDX-License-Identifier: MIT */
/*
 * The time that the automatic level may spend. Guarding an object costs 1 us on hardware, 40 us
 * where changes of page tables are emulated, and more elsewhere. A program should get about the
 * same protection on all hosts, as far as a user would wait for it. So the time to begin with is at
 * least what a fixed number of objects costs on this host. All times are TSC cycles.
 */
#ifndef CHECK_PRELOAD_CREDIT_H
#define CHECK_PRELOAD_CREDIT_H

#include "common/types.h"

/* Threads use it without a lock; a lost update does no harm. */
struct chk_credit {
	u64 spent;
	u64 object; /* the least time for a page-level object so far; 0: none was made */
};

/* Notes that a system call took `took` cycles. object: the call made one page-level object. */
void credit_spend(struct chk_credit *c, u64 took, bool object);

enum chk_credit_left {
	CREDIT_NONE,
	CREDIT_RANDOM, /* enough for objects that are chosen at random */
	CREDIT_FIRST,  /* enough for the first objects of a site, not for further ones */
	CREDIT_ENOUGH,
};

/*
 * Returns what is left `elapsed` cycles after the process's first allocation. starts: the number of
 * programs that started in the sandbox before; the more, the smaller the initial credit.
 */
enum chk_credit_left credit_left(const struct chk_credit *c, u64 elapsed, u64 starts);

/*
 * Aliases end in batches. Returns true if aliases that have waited for `waited` cycles should end
 * now, where the last batch took `batch` cycles: batches are then so rare that they take a small
 * share of the time.
 */
bool credit_batch_is_due(u64 waited, u64 batch);

#endif
