/* SPDX-License-Identifier: MIT */
/* Job control: stop.c. */
#ifndef KERNEL_TASK_STOP_H
#define KERNEL_TASK_STOP_H

#include "common/types.h"

struct process;

/* task_lock held: the process stops; goes on, of which its parent hears or not. */
void process_stop(struct process *p, int sig);
void process_continue(struct process *p, bool report);
/* Nobody in the session could continue its group: terminal signals do not stop it. task_lock held.
 */
bool process_orphaned(struct process *p);
/* The running thread's process is stopped: sleeps until it is not, or the thread is to end. */
void process_park(void);
/* A thread ended or parked: the parent hears of the stop when it was the last one. task_lock held.
 */
void process_stopped_check(struct process *p);
/* Groups that lose their last tie to the session through p's end: setpgid(2). task_lock held. */
void process_orphans(struct process *p);

#endif
