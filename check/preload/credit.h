/* SPDX-License-Identifier: MIT */
/*
 * The time that the automatic level may spend. Guarding an object costs 1 us on hardware, 40 us
 * where changes of page tables are emulated, and more elsewhere. A program should get about the
 * same protection on all hosts, as far as a user would wait for it. So the time to begin with is at
 * least what a fixed number of objects costs on this host. All times are TSC cycles.
 *
 * All processes of a sandbox have one sum. Each counts what it spends and tells the kernel from
 * time to time, which answers with the sum of all.
 */
#ifndef CHECK_PRELOAD_CREDIT_H
#define CHECK_PRELOAD_CREDIT_H

#include "check/abi/call.h"
#include "common/types.h"

/* Threads use it without a lock; a lost update does no harm. */
struct chk_credit {
	struct chk_spent tree; /* as the kernel said last, and what was spent here since */
	u64 untold;	       /* the latter */
};

/* Notes that a system call of this kind took `took` cycles for count objects, at least one. */
void credit_spend(struct chk_credit *c, enum chk_cost kind, u64 took, u32 count);

/* Returns whether so much is untold that the kernel should be told now. */
bool credit_is_to_be_told(const struct chk_credit *c);

enum chk_credit_left {
	CREDIT_NONE,
	CREDIT_RANDOM, /* enough for objects that are chosen at random */
	CREDIT_FIRST,  /* enough for the first objects of a site, not for further ones */
	CREDIT_ENOUGH,
};

/* Returns what is left at TSC now. */
enum chk_credit_left credit_left(const struct chk_credit *c, u64 now);

/*
 * Aliases end in batches. Returns true if aliases that have waited for `waited` cycles should end
 * now, where the last batch took `batch` cycles: batches are then so rare that they take a small
 * share of the time.
 */
bool credit_batch_is_due(u64 waited, u64 batch);

#endif
