/* SPDX-License-Identifier: MIT */
/*
 * Call stacks, each kept once and known by a number. Pure logic, tested on the host
 * (tests/unit/check_depot_test.c).
 *
 * A depot is shared by a process and its forks, and only grows: what depot_stack returns is valid
 * as long as the caller's reference. It has a lock of its own, below mm.lock.
 */
#ifndef KERNEL_CHECK_DEPOT_H
#define KERNEL_CHECK_DEPOT_H

#include "check/abi/check.h"

struct chk_depot;

struct chk_depot *depot_new(void); /* with one reference; NULL: no memory */
void depot_get(struct chk_depot *d);
void depot_put(struct chk_depot *d);

/* The number of a stack, innermost first, count <= CHECK_DEPTH_MAX. 0: no memory, or count 0. */
u32 depot_add(struct chk_depot *d, const u64 *pc, u32 count);
/* Its addresses; their number, 0 for a number that names none. */
u32 depot_stack(struct chk_depot *d, u32 id, const u64 **pc);
/* Stacks that it has. */
u64 depot_count(const struct chk_depot *d);

#endif
