/* SPDX-License-Identifier: MIT */
/*
 * Leaks: which live objects no pointer of a process leads to any more when it ends, by mark and
 * sweep (mark.h). Roots are the registers of all threads and what memory the program can have
 * written: data of modules, mappings, stacks from their stack pointer up. Not roots: the guarded
 * range itself, and the heap library's data.
 */
#ifndef KERNEL_CHECK_LEAK_H
#define KERNEL_CHECK_LEAK_H

#include "common/types.h"

struct mm;

/* Registers that a thread had when it ended for the end of its process. */
struct leak_thread {
	struct leak_thread *next;
	u64 reg[16]; /* general ones; the first is RSP */
};

/*
 * The running thread is about to end, others of its process go on to a check. No lock is held.
 * Without memory for it its registers are no roots.
 */
void leak_thread_ends(void);
void leak_free(struct mm *mm); /* the end of the address space, or a check later */

/*
 * Reports what the running process, of which only this thread is left, has lost: one report for
 * each allocation stack, CHECK_LEAK and, if asked for, CHECK_REACHABLE_AT_EXIT. No lock is held.
 */
void leak_check(void);

#endif
