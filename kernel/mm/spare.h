/* SPDX-License-Identifier: MIT */
/*
 * Spare address spaces: what a child of fork(2) leaves behind, without pages but with its page
 * tables, for the next child of the same process.
 *
 * Children of one process have nearly the same page tables. A write to a page table that a software
 * KVM has shadowed is an exit of its own, and so is the first access to each page through tables
 * that KVM has not seen. In a spare one, the upper tables are right already, and KVM keeps its
 * entries for what the next child maps as the last one did (text): it looks at the tables again
 * when the vCPU loads them, as MOV CR3 demands. So nothing has to be flushed here on any CPU.
 *
 * A few processes, those that forked last, have a place for one spare address space each.
 */
#ifndef KERNEL_MM_SPARE_H
#define KERNEL_MM_SPARE_H

#include "common/types.h"

struct mm;

/*
 * For a child of forker: an mm with .pml4 and .page_tables and nothing else, or NULL: there is
 * none. Gives forker a place where it has none.
 */
struct mm *spare_take(const struct mm *forker);

/* The tables of mm, which ends, are worth keeping: pt_clear, not pt_destroy. */
bool spare_wanted(const struct mm *mm);

/* Takes mm, which is empty but for its tables. False: it stays the caller's. */
bool spare_keep(struct mm *mm);

/* forker ends. */
void spare_forget(const struct mm *forker);

/* Frees them all: RAM is short. False: there were none. */
bool spare_shrink(void);

/* mm.c: frees an mm that nobody has, with its page tables. */
void mm_free(struct mm *mm);

#endif
