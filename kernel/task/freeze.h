/* SPDX-License-Identifier: MIT */
/*
 * Freezing a process: all its threads but one sleep in the kernel until that one thaws them, and it
 * can read their registers meanwhile. For code that looks at a whole process (core.c).
 */
#ifndef KERNEL_TASK_FREEZE_H
#define KERNEL_TASK_FREEZE_H

#include "common/types.h"

struct thread;
struct xsave_area;

/* The registers of a frozen thread besides its trap frame. Lies on that thread's stack. */
struct frozen {
	u64 fsbase, gsbase;
	const struct xsave_area *fpu; /* NULL: there was no memory for it */
};

/*
 * process_freeze makes all other threads of the running process sleep. Threads that take too long
 * to come out of the host are left out: their .frozen stays NULL. Returns false if the process
 * ends, or if another thread has frozen it (the caller slept meanwhile). After true the caller
 * calls process_thaw. No lock is held.
 */
bool process_freeze(void);
void process_thaw(void);

/* Returns true if another thread has frozen t's process. */
bool process_is_frozen(const struct thread *t);
/*
 * Called if process_is_frozen: sleeps until the process is thawed or the thread has to end. No lock
 * is held.
 */
void freeze_park(void);

#endif
