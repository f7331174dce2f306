/* SPDX-License-Identifier: MIT */
/* The timers of a process: timer.c. */
#ifndef KERNEL_TASK_TIMER_H
#define KERNEL_TASK_TIMER_H

#include <asm/siginfo.h>
#include "common/types.h"

struct process;

/*
 * Host timers have expired (bits of vcpu_data.timers_expired): sends the signals of the timers that
 * are due. Takes task_lock.
 */
void timers_expired(u64 bits);
/*
 * An SI_TIMER signal was taken off the queue of the running process: fills in its overrun count.
 * task_lock is held.
 */
void timer_signal_taken(siginfo_t *info);

/*
 * For execve(2): deletes the timers of timer_create(2); those of setitimer(2) stay. Takes
 * task_lock.
 */
void timers_exec(void);
/* The running process ends: deletes all its timers. Takes task_lock. */
void timers_exit(void);
/*
 * Calls fn for each timer of timer_create(2) that p has, the newest first: its number, signal,
 * value, SIGEV_*, the number of the thread or process that gets the signal, and its clock.
 * task_lock is held.
 */
void timers_each(const struct process *p,
		 void (*fn)(void *arg, s32 id, s32 signo, u64 value, s32 notify, s32 tid,
			    s32 clock),
		 void *arg);
/* RLIMIT_CPU of the process was changed or inherited. Returns 0 or -errno. task_lock is held. */
int timers_limit(struct process *p);

#endif
