/* SPDX-License-Identifier: MIT */
/* --gdb: the stub for gdb, a program in a process that no other process sees (common/debugger.h).
 */
#ifndef KERNEL_EXEC_DEBUGGER_H
#define KERNEL_EXEC_DEBUGGER_H

/*
 * Starts the stub as the tracer of the running thread, which is the first process's and has its
 * program. Does nothing without --gdb. If the stub cannot start, the sandbox ends.
 */
void exec_debugger(void);

#endif
