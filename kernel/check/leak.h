/* SPDX-License-Identifier: MIT */
/*
 * The leak check finds the live objects that no pointer of a process leads to when the process
 * ends, by mark and sweep (mark.h). Roots are the registers of all threads and the memory that the
 * program can have written: data of modules, mappings, stacks from their stack pointer up. The
 * guarded range itself and the heap library's data are not roots.
 */
#ifndef KERNEL_CHECK_LEAK_H
#define KERNEL_CHECK_LEAK_H

#include "common/types.h"

struct mm;

/* Registers of a thread that ended because its process ends. */
struct leak_thread {
	struct leak_thread *next;
	u64 reg[16]; /* the general registers; the first is RSP */
};

/*
 * Saves the running thread's registers for the check, which another thread of its process will
 * make. Without memory for them, the registers are not roots. No lock is held.
 */
void leak_thread_ends(void);
/* Frees the saved registers, after a check or at the end of the address space. */
void leak_free(struct mm *mm);

/*
 * Reports what the running process has lost, with one CHECK_LEAK for each allocation stack. If the
 * user asked for it, also reports the reachable objects as CHECK_REACHABLE_AT_EXIT. The running
 * thread is the only one left of the process. No lock is held.
 */
void leak_check(void);

#endif
