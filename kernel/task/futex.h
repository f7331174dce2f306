/* SPDX-License-Identifier: MIT */
/* futex(2), and what happens to futexes when a thread ends: futex.c. */
#ifndef KERNEL_TASK_FUTEX_H
#define KERNEL_TASK_FUTEX_H

#include "common/types.h"

struct thread;

/* Called once, before the first thread runs. */
void futex_init(void);
/*
 * The running thread t ends: marks the robust futexes that it owns and wakes a waiter of each
 * (get_robust_list(2)); its PI futexes go to their waiters. No lock is held.
 */
void futex_exit(struct thread *t);
/*
 * FUTEX_WAKE of a word of the running process, for CLONE_CHILD_CLEARTID. Wakes only waiters that
 * use the word as a shared futex. Takes a bucket's lock.
 */
void futex_wake_user(u64 addr, u32 count);

#endif
