/* SPDX-License-Identifier: MIT */
/*
 * Freezing a process: all its threads but one sleep in the kernel, their registers where that one
 * can read them, until it lets them go. For who wants to look at the whole process (core.c).
 */
#ifndef KERNEL_TASK_FREEZE_H
#define KERNEL_TASK_FREEZE_H

#include "common/types.h"

struct thread;
struct xsave_area;

/* What a frozen thread's vCPU has of it, beside the trap frame. On that thread's stack. */
struct frozen {
	u64 fsbase, gsbase;
	const struct xsave_area *fpu; /* NULL: no memory for it */
};

/*
 * All others sleep, but for those that take too long to come out of the host: their .frozen stays
 * NULL. False: the process ends, or another thread froze it (this one slept meanwhile). No lock is
 * held.
 */
bool process_freeze(void);
void process_thaw(void);

/* The running thread's process is frozen by another thread of it. */
bool process_is_frozen(const struct thread *t);
/* It is: sleeps until it is not, or the thread is to end. */
void freeze_park(void);

#endif
