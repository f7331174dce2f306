/* SPDX-License-Identifier: MIT */
/*
 * What the guest kernel and the stub for gdb (gdb/, a program in the sandbox) know of each other,
 * beside ptrace(2).
 *
 * The stub is the process with number 0: as a tracer outside of a PID namespace, no program sees
 * it. It begins with two descriptors. The kernel has attached it to the first program by
 * PTRACE_SEIZE with DEBUGGER_OPTIONS.
 */
#ifndef COMMON_DEBUGGER_H
#define COMMON_DEBUGGER_H

#define DEBUGGER_PID	   0
#define DEBUGGER_FD_SOCKET 0 /* a listening socket */

/* PTRACE_O_*: TRACESYSGOOD, FORK, VFORK, CLONE, EXEC, VFORKDONE, EXIT. */
#define DEBUGGER_OPTIONS   0x7f

/*
 * Events beside PTRACE_EVENT_*, which only this tracer gets. BUG: `buffervm check` has reported a
 * bug of this thread. END: the first process has ended, with the wait(2) status in the event's
 * message, and with it the sandbox ends when the thread goes on.
 */
#define DEBUGGER_EVENT_BUG 100
#define DEBUGGER_EVENT_END 101

#endif
