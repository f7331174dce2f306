/* SPDX-License-Identifier: MIT */
/*
 * The end of RAM: which process goes, so that the others can go on (proc(5), oom_score).
 */
#ifndef KERNEL_TASK_OOM_H
#define KERNEL_TASK_OOM_H

#include "common/types.h"

struct process;

/*
 * Around the freeing of a process's memory, when it is not the process's any more: nobody is killed
 * meanwhile (task_lock held), and who sleeps in oom_make_space looks again.
 */
void oom_memory_goes(void);
void oom_memory_gone(void);

/* /proc/pid/oom_score, 0 to 2000. task_lock held. */
s64 oom_score(const struct process *p);

#endif
