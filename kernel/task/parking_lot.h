/* SPDX-License-Identifier: MIT */
/*
 * Who sleeps on which word, and until when (kernel/park.h). Pure logic: a lock of the caller guards
 * everything. A sleeper stands in the list of its word's hash, in the order of arrival, and, where
 * it has a deadline, in a tree of these.
 */
#ifndef KERNEL_TASK_PARKING_LOT_H
#define KERNEL_TASK_PARKING_LOT_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include "common/types.h"

#define PARK_NO_DEADLINE (~0UL)

struct parked {
	TAILQ_ENTRY(parked) link;
	RB_ENTRY(parked) timed;
	const u32 *word;
	u64 deadline; /* clock_monotonic_ns(), or PARK_NO_DEADLINE */
	u64 order;    /* of two with the same deadline the one that came first is first */
};

TAILQ_HEAD(parked_list, parked);
RB_HEAD(parked_tree, parked);
#define PARKED_LISTS 1024
struct parking_lot {
	struct parked_list list[PARKED_LISTS];
	struct parked_tree timed;
	u64 next_order;
	u64 first_deadline; /* PARK_NO_DEADLINE: none; may be read without the lock, as a hint */
};

void lot_init(struct parking_lot *all);
/* s sleeps nowhere. */
void lot_add(struct parking_lot *all, struct parked *s, const u32 *word, u64 deadline);
/* s sleeps. */
void lot_remove(struct parking_lot *all, struct parked *s);
/* The sleeper on that word that came first, NULL: none. It sleeps on. */
struct parked *lot_on(struct parking_lot *all, const u32 *word);
/* The one whose deadline is the earliest of those that are not after now, NULL: none. */
struct parked *lot_due(struct parking_lot *all, u64 now);

#endif
