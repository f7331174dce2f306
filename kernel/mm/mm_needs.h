/* SPDX-License-Identifier: MIT */
/*
 * What this folder calls in the layers above it, which define these functions: each says where.
 */
#ifndef KERNEL_MM_MM_NEEDS_H
#define KERNEL_MM_MM_NEEDS_H

#include "common/types.h"

struct mm;

/* Soft limit of the running process (RLIMIT_*). kernel/task/rlimit.c */
u64 mm_rlimit(unsigned which);

/*
 * There is no frame for a page of the running process. Kills the process that uses most, unless one
 * is on its way out already, and sleeps a little. True: try again. False: the running process is
 * the one, or is ending anyway. The caller holds neither task_lock nor an mm.lock.
 * kernel/task/oom.c
 */
bool oom_make_space(void);

/*
 * No program runs in mm any more: vCPUs without a thread that still have its page tables loaded
 * leave them. On return mm's tables can be freed. The running vCPU has left already.
 * kernel/task/vcpu.c
 */
void vcpu_evict(struct mm *mm);

#endif
