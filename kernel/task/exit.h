/* SPDX-License-Identifier: MIT */
/* How threads and processes end, and how a parent learns of it: exit.c, wait.c. */
#ifndef KERNEL_TASK_EXIT_H
#define KERNEL_TASK_EXIT_H

#include "common/types.h"

struct process;
struct thread;

/*
 * exit.c. Ends the calling process with this wait(2) status, or the calling thread (status: what
 * the process ends with if nothing else decides). The first process's end is the sandbox's.
 */
__attribute__((noreturn)) void process_exit(int wait_status);
__attribute__((noreturn)) void thread_exit(int wait_status);
/* All threads but the running one are told to end. task_lock held. */
void process_kill_others(struct process *p);
/*
 * execve(2): the running thread becomes the only one of its process and has its number. 0, or
 * -EAGAIN: the process ends, or another thread does the same.
 */
int process_single(void);
/* A process's end is told to its tracer or its parent; p goes if nobody wants it. task_lock held.
 */
void process_tell_end(struct process *p);
/* execve(2) and exit: the memory that vfork(2) lent is the creator's again. task_lock held. */
void vfork_release(struct thread *t);

/* wait.c: the parent has something to learn of a child. task_lock held. */
void wait_notify(struct process *parent);

#endif
