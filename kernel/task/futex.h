/* SPDX-License-Identifier: MIT */
/* futex(2), and what it does when a thread ends: futex.c. */
#ifndef KERNEL_TASK_FUTEX_H
#define KERNEL_TASK_FUTEX_H

#include "common/types.h"

struct thread;

/* Once, before the first thread runs. */
void futex_init(void);
/* Robust futexes of the running thread's dead owner are marked and woken (get_robust_list(2)). */
void futex_exit(struct thread *t);
/* FUTEX_WAKE of a shared or private word of the running process, for CLONE_CHILD_CLEARTID. */
void futex_wake_user(u64 addr, u32 count);

#endif
