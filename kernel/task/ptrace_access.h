/* SPDX-License-Identifier: MIT */
/* Who may look into another process: ptrace(2), "Ptrace access mode checking". */
#ifndef KERNEL_TASK_PTRACE_ACCESS_H
#define KERNEL_TASK_PTRACE_ACCESS_H

#include "common/types.h"

struct process;

/* Which of the caller's IDs and capabilities count: PTRACE_MODE_FSCREDS, PTRACE_MODE_REALCREDS. */
enum ptrace_creds { PTRACE_FSCREDS, PTRACE_REALCREDS };

/* The running thread may look into p, or trace it. task_lock held. */
bool ptrace_may_access(const struct process *p, enum ptrace_creds which);

struct mm;
/*
 * The memory of the process that has this thread, with a reference that the caller drops by
 * mm_put. NULL and *err: -ESRCH, also where the process has ended, or -EPERM. Takes task_lock.
 */
struct mm *ptrace_mm(s32 tid, enum ptrace_creds which, int *err);

#endif
