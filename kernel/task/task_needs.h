/* SPDX-License-Identifier: MIT */
/*
 * Functions of higher layers that this folder calls. Each comment names the file that defines them.
 */
#ifndef KERNEL_TASK_TASK_NEEDS_H
#define KERNEL_TASK_TASK_NEEDS_H

#include "common/types.h"

struct process;

/*
 * Semaphore adjustments (SEM_UNDO). sem_share shares those of p with the child (CLONE_SYSVSEM) and
 * returns 0 or -ENOMEM; a new process has none. sem_exit drops those of p, and does them if p was
 * the last process that had them. kernel/ipc/sem.c
 */
int sem_share(struct process *child, struct process *p);
void sem_exit(struct process *p);

#endif
