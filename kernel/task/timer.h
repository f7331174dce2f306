/* SPDX-License-Identifier: MIT */
/* The timers of a process: timer.c. */
#ifndef KERNEL_TASK_TIMER_H
#define KERNEL_TASK_TIMER_H

#include <asm/siginfo.h>
#include "common/types.h"

struct process;

/* Host timers that expired (bits of vcpu_data.timers_expired): their signals are sent. */
void timers_expired(u64 bits);
/* An SI_TIMER signal is about to be delivered: its overrun count is filled in. task_lock held. */
void timer_signal_taken(siginfo_t *info);

/* execve(2): the timers of timer_create(2) go, those of setitimer(2) stay. */
void timers_exec(void);
/* The running process ends: all of them go. */
void timers_exit(void);
/*
 * Calls fn for each timer of timer_create(2) that p has, the newest first: its number, signal,
 * value, SIGEV_*, whom it tells (a thread's number, or p's), its clock. task_lock held.
 */
void timers_each(const struct process *p,
		 void (*fn)(void *arg, s32 id, s32 signo, u64 value, s32 notify, s32 tid,
			    s32 clock),
		 void *arg);
/* RLIMIT_CPU of the process was changed or inherited. 0 or -errno. task_lock held. */
int timers_limit(struct process *p);

#endif
