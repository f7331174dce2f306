/* SPDX-License-Identifier: MIT */
/*
 * What this folder calls in the layers above it, which define these functions: each says where.
 */
#ifndef KERNEL_TASK_TASK_NEEDS_H
#define KERNEL_TASK_TASK_NEEDS_H

#include "common/types.h"

struct process;

/*
 * Semaphore adjustments (SEM_UNDO): shared with the child by CLONE_SYSVSEM (0 or -ENOMEM), and
 * done when the last process that has them ends. The list of a new process is empty.
 * kernel/ipc/sem.c
 */
int sem_share(struct process *child, struct process *p);
void sem_exit(struct process *p);

#endif
