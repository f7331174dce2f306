/* SPDX-License-Identifier: MIT */
/*
 * The sleepers, their words and their deadlines (kernel/park.h). This is pure logic: a lock of the
 * caller guards everything. A sleeper is in the list of its word's hash, in order of arrival. If it
 * has a deadline, it is also in a tree of deadlines.
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
	u64 order;    /* orders equal deadlines by arrival */
};

TAILQ_HEAD(parked_list, parked);
RB_HEAD(parked_tree, parked);
#define PARKED_LISTS 1024
struct parking_lot {
	struct parked_list list[PARKED_LISTS];
	struct parked_tree timed;
	u64 next_order;
	u64 first_deadline; /* PARK_NO_DEADLINE: none; may be read without the lock as a hint */
};

void lot_init(struct parking_lot *all);
/* Adds a sleeper that is not in the lot. */
void lot_add(struct parking_lot *all, struct parked *s, const u32 *word, u64 deadline);
/* Removes a sleeper. */
void lot_remove(struct parking_lot *all, struct parked *s);
/* Returns the first sleeper on the word, or NULL. It stays in the lot. */
struct parked *lot_on(struct parking_lot *all, const u32 *word);
/*
 * Returns the sleeper with the earliest deadline that is not after now, or NULL. It stays in the
 * lot.
 */
struct parked *lot_due(struct parking_lot *all, u64 now);

#endif
