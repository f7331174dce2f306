/* SPDX-License-Identifier: MIT */
/* Job control: stop.c. */
#ifndef KERNEL_TASK_STOP_H
#define KERNEL_TASK_STOP_H

#include "common/types.h"

struct process;

/*
 * process_stop stops the process, process_continue continues it. report: the parent is told of
 * that. task_lock is held.
 */
void process_stop(struct process *p, int sig);
void process_continue(struct process *p, bool report);
/*
 * Returns true if no process in the session could continue p's group, so that terminal signals must
 * not stop p. task_lock is held.
 */
bool process_orphaned(struct process *p);
/*
 * The running thread's process is stopped: sleeps until it is continued, the thread is traced, or
 * the thread has to end. No lock is held.
 */
void process_park(void);
/*
 * A thread ended or stopped: tells the parent of the stop if it was the last thread. task_lock is
 * held.
 */
void process_stopped_check(struct process *p);
/*
 * p ends: sends SIGHUP and SIGCONT to groups with stopped members that become orphaned by that:
 * setpgid(2). task_lock is held.
 */
void process_orphans(struct process *p);

#endif
