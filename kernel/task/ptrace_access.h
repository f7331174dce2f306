/* SPDX-License-Identifier: MIT */
/* Which threads may look into another process: ptrace(2), "Ptrace access mode checking". */
#ifndef KERNEL_TASK_PTRACE_ACCESS_H
#define KERNEL_TASK_PTRACE_ACCESS_H

#include "common/types.h"

struct process;

/*
 * Which of the caller's IDs and capabilities are checked: PTRACE_MODE_FSCREDS or
 * PTRACE_MODE_REALCREDS.
 */
enum ptrace_creds { PTRACE_FSCREDS, PTRACE_REALCREDS };

/* Returns true if the running thread may look into p, or trace it. task_lock is held. */
bool ptrace_may_access(const struct process *p, enum ptrace_creds which);

struct mm;
/*
 * Returns the memory of the process that has this thread, with a reference that the caller drops by
 * mm_put. Returns NULL with *err = -ESRCH, also if the process has ended, or -EPERM. Takes
 * task_lock.
 */
struct mm *ptrace_mm(s32 tid, enum ptrace_creds which, int *err);

#endif
