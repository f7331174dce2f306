/* SPDX-License-Identifier: MIT */
/*
 * Functions that this folder calls and that layers above it define. Each comment names the file.
 */
#ifndef KERNEL_MM_MM_NEEDS_H
#define KERNEL_MM_MM_NEEDS_H

#include "common/types.h"

struct mm;

/* Soft limit of the running process (RLIMIT_*). kernel/task/rlimit.c */
u64 mm_rlimit(unsigned which);

/*
 * Called when there is no frame for a page of the running process. Frees what the kernel only keeps
 * for later (text copies, spare address spaces). If there is nothing of that kind, kills the
 * process that uses most RAM, unless a victim is ending already, and sleeps a little. Returns true
 * if the caller is to try again, false if the running process is the victim or is ending anyway.
 * The caller holds neither task_lock nor an mm.lock. kernel/task/oom.c
 */
bool oom_make_space(void);

/*
 * Makes idle vCPUs that still have mm's page tables loaded switch to other tables; after the return
 * mm's tables can be freed. No program runs in mm any more, and the running vCPU has left it.
 * kernel/task/vcpu.c
 */
void vcpu_evict(struct mm *mm);

#endif
