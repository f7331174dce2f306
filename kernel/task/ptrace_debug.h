/* SPDX-License-Identifier: MIT */
/* The debug registers of a tracee, DR0 to DR7: ptrace_debug.c. */
#ifndef KERNEL_TASK_PTRACE_DEBUG_H
#define KERNEL_TASK_PTRACE_DEBUG_H

#include "common/types.h"

struct thread;

/* As PTRACE_PEEKUSER and _POKEUSER have them. task_lock held. 0, -EIO or -EINVAL. */
u64 ptrace_debug_get(const struct thread *t, u32 nr);
int ptrace_debug_set(struct thread *t, u32 nr, u64 value);

/* The running thread's vCPU gets its debug registers, before the program goes on. */
void ptrace_debug_load(struct thread *t);
/*
 * Where debug registers may not work, a thread that has a breakpoint is stepped (.watched). The
 * first is called before it goes on, the second after an instruction: they return true if it is at
 * a breakpoint, or the instruction changed what is watched. The running thread.
 */
bool ptrace_debug_arm(struct thread *t);
bool ptrace_debug_look(struct thread *t);
/*
 * A debug exception: notes in DR6 what it was about. Returns the si_code of the SIGTRAP: TRAP_TRACE
 * or TRAP_HWBKPT.
 */
int ptrace_debug_trap(struct thread *t);

#endif
