/* SPDX-License-Identifier: MIT */
/* How threads and processes end, and how a parent learns of it: exit.c, wait.c. */
#ifndef KERNEL_TASK_EXIT_H
#define KERNEL_TASK_EXIT_H

#include <asm/siginfo.h>
#include "common/types.h"

struct process;
struct thread;

/* Returns the si_code, in SIGCHLD and waitid(2), of an end with this status of wait(2). */
static inline int exit_code_of(int wait_status)
{
	if (!(wait_status & 0x7f))
		return CLD_EXITED;
	return wait_status & 0x80 ? CLD_DUMPED : CLD_KILLED;
}

/*
 * exit.c. process_exit ends the calling process with this wait(2) status, thread_exit the calling
 * thread. The status of thread_exit becomes that of the process if the thread is the leader and
 * nobody called process_exit. The end of the first process ends the sandbox. No lock is held.
 */
__attribute__((noreturn)) void process_exit(int wait_status);
__attribute__((noreturn)) void thread_exit(int wait_status);
/* Makes all threads of p except the running one end. task_lock is held. */
void process_kill_others(struct process *p);
/*
 * For execve(2): ends all other threads of the running process, and gives the running thread the
 * process's number. Returns 0, or -EAGAIN if the process ends or another thread does the same. No
 * lock is held.
 */
int process_single(void);
/*
 * Tells the end of a process to its tracer or its parent, and frees p if its parent does not want
 * to wait for it. task_lock is held.
 */
void process_tell_end(struct process *p);
/*
 * For execve(2) and exit: the creator of a vfork(2) child gets its memory back and goes on.
 * task_lock is held.
 */
void vfork_release(struct thread *t);

/*
 * wait.c: wakes the parent's waiting threads, because a child or tracee has news. task_lock is
 * held.
 */
void wait_notify(struct process *parent);

#endif
