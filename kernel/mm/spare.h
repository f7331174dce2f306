/* SPDX-License-Identifier: MIT */
/*
 * Spare address spaces: the page tables of a child of fork(2) that has ended, without its pages,
 * kept for the next child of the same process.
 *
 * Children of one process have nearly the same page tables. With a KVM that shadows page tables,
 * each write to a shadowed table is an exit, and so is the first access to each page through a
 * table that KVM has not shadowed yet. In a spare address space the upper tables are right already,
 * and KVM keeps its shadow entries for the pages that the next child maps as the last one did
 * (text). KVM synchronizes its shadow with the tables when the vCPU loads them, as MOV CR3 demands.
 * So no flush is needed here on any CPU.
 *
 * The processes that forked last, at most eight, have a place for one spare address space each.
 */
#ifndef KERNEL_MM_SPARE_H
#define KERNEL_MM_SPARE_H

#include "common/types.h"

struct mm;

/*
 * Returns the spare address space for a child of forker, of which only .pml4 and .page_tables are
 * valid; the caller owns it. Returns NULL if there is none. Gives forker a place if it has none.
 */
struct mm *spare_take(const struct mm *forker);

/* mm, which is ending, should keep its tables for spare_keep: pt_clear instead of pt_destroy. */
bool spare_wanted(const struct mm *mm);

/* Takes mm over, which has tables but no pages. Returns false if the caller still owns mm. */
bool spare_keep(struct mm *mm);

/* Frees forker's place and the spare address space in it, because forker ends. */
void spare_forget(const struct mm *forker);

/* Frees all spare address spaces, because RAM is short. Returns false if there were none. */
bool spare_shrink(void);

/* Frees an mm without users, and its page tables. In mm.c. */
void mm_free(struct mm *mm);

#endif
