/* SPDX-License-Identifier: MIT */
/*
 * How many tasks there may be: --pids for the sandbox (as pids.max of a cgroup), RLIMIT_NPROC for a
 * user. A task is a thread, or a process that nobody has waited for. task_lock is held for all.
 */
#ifndef KERNEL_TASK_NPROC_H
#define KERNEL_TASK_NPROC_H

#include "common/types.h"

struct creds;

/* A task began; one is gone. */
void nproc_begins(void);
void nproc_ends(void);

/* The running process may not have another one: clone(2), EAGAIN. */
bool nproc_full(void);

/*
 * setuid(2) and the like succeed for a user who has too many, but execve(2) then fails with EAGAIN
 * as long as that is so. The running process's identity is about to change to this one; it runs
 * another program.
 */
void nproc_user_changes(const struct creds *new);
bool nproc_forbids_exec(void);

#endif
