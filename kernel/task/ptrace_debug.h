/* SPDX-License-Identifier: MIT */
/* The debug registers of a tracee, DR0 to DR7: ptrace_debug.c. */
#ifndef KERNEL_TASK_PTRACE_DEBUG_H
#define KERNEL_TASK_PTRACE_DEBUG_H

#include "common/types.h"

struct thread;

/*
 * What PTRACE_PEEKUSER and PTRACE_POKEUSER read and write. ptrace_debug_set returns 0, -EIO or
 * -EINVAL. task_lock is held.
 */
u64 ptrace_debug_get(const struct thread *t, u32 nr);
int ptrace_debug_set(struct thread *t, u32 nr, u64 value);

/* Loads the debug registers of the running thread t into its vCPU, before the program goes on. */
void ptrace_debug_load(struct thread *t);
/*
 * Where debug registers may not work, a thread that has a breakpoint is stepped (.watched).
 * ptrace_debug_arm is called before the running thread t goes on, ptrace_debug_look after an
 * instruction. They return true if t is at a breakpoint; the second also if the instruction changed
 * memory that is watched.
 */
bool ptrace_debug_arm(struct thread *t);
bool ptrace_debug_look(struct thread *t);
/*
 * A debug exception of the running thread t: sets DR6. Returns the si_code of the SIGTRAP:
 * TRAP_TRACE or TRAP_HWBKPT.
 */
int ptrace_debug_trap(struct thread *t);

#endif
