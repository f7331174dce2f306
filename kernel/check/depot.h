/* SPDX-License-Identifier: MIT */
/*
 * A depot stores call stacks, each of them once, and numbers them. Pure logic, tested on the host
 * (tests/unit/check_depot_test.c).
 *
 * A process shares its depot with its forks. A depot only grows, so the addresses that depot_stack
 * returns are valid as long as the caller has a reference to the depot. The depot has a lock of its
 * own, which may be taken with mm.lock held.
 */
#ifndef KERNEL_CHECK_DEPOT_H
#define KERNEL_CHECK_DEPOT_H

#include "check/abi/check.h"

struct chk_depot;

/* Returns a depot with one reference, or NULL without memory. */
struct chk_depot *depot_new(void);
void depot_get(struct chk_depot *d);
void depot_put(struct chk_depot *d);

/*
 * Stores a stack of count return addresses, innermost first, and returns its number. Returns 0
 * without memory, for an empty stack and for one of more than CHECK_DEPTH_MAX addresses.
 */
u32 depot_add(struct chk_depot *d, const u64 *pc, u32 count);
/* Finds the addresses of stack id and returns how many there are; 0 if no stack has this number. */
u32 depot_stack(struct chk_depot *d, u32 id, const u64 **pc);
/* Returns a number above those of all stacks so far, and not above those of later ones. */
u32 depot_next(struct chk_depot *d);
/* Returns the number of stacks in the depot. */
u64 depot_count(const struct chk_depot *d);

#endif
