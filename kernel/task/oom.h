/* SPDX-License-Identifier: MIT */
/* Out of memory: which process is killed, so that the others can go on (proc(5), oom_score). */
#ifndef KERNEL_TASK_OOM_H
#define KERNEL_TASK_OOM_H

#include "common/types.h"

struct process;

/*
 * Called before and after the memory of a process is freed. Between the two calls no process is
 * killed for memory. After the second, the threads that sleep in oom_make_space try again.
 * task_lock is held for oom_memory_goes.
 */
void oom_memory_goes(void);
void oom_memory_gone(void);

extern u64 oom_kills; /* how often a process was killed for memory; task_lock */

/* Returns the value of /proc/pid/oom_score, 0 to 2000. task_lock is held. */
s64 oom_score(const struct process *p);

#endif
