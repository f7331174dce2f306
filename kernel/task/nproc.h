/* SPDX-License-Identifier: MIT */
/*
 * The limits of tasks: --pids for the sandbox (as pids.max of a cgroup), RLIMIT_NPROC for a user. A
 * task is a thread, or a zombie process. task_lock is held in all functions but nproc_count.
 */
#ifndef KERNEL_TASK_NPROC_H
#define KERNEL_TASK_NPROC_H

#include "common/types.h"

struct creds;

/* A task was made, as the first one of a process or not; a task is gone. */
void nproc_begins(bool of_process);
void nproc_ends(void);

/* Returns how many tasks there are. Needs no lock. */
u32 nproc_count(void);

/* Counts since the start, for the account at the end. */
struct nproc_totals {
	u64 processes, threads; /* that were made; the first process counts */
	u64 peak;		/* most tasks at a time */
	u64 refused;		/* tasks that --pids forbade */
};
extern struct nproc_totals nproc_totals;

/* Returns true if the running process may not have another task: EAGAIN of clone(2). */
bool nproc_full(void);

/*
 * setuid(2) and the like succeed even if the new user has too many tasks, but execve(2) then fails
 * with EAGAIN as long as that is so. nproc_user_changes: the running thread's identity is about to
 * become new. nproc_forbids_exec: returns true if the running process may not execute a program.
 */
void nproc_user_changes(const struct creds *new);
bool nproc_forbids_exec(void);

#endif
