/* SPDX-License-Identifier: MIT */
/* Reports about the system calls that programs make, defined in kernel/syscall/. */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include "common/types.h"

struct siginfo;
struct syscall_args;

/*
 * end_report.c. A system call is refused on purpose with this errno, or does not exist; both are
 * counted. syscall_report is called before the sandbox ends with this wait(2) status: it names such
 * calls, and gives the monitor the account of the run.
 */
void syscall_refused(int error);
void syscall_missing(u64 nr);
void syscall_report(int wait_status);

/*
 * trace.c, with BOOT_TRACE only: lines in strace's format. trace_enter is called before a call,
 * with the program's stack pointer, and trace_syscall after it. trace_exit prints how the running
 * thread ends (wait(2) status). trace_end is called before the sandbox ends: it prints the summary,
 * and brings all text to the monitor.
 */
void trace_enter(u64 nr, const struct syscall_args *args, u64 sp);
void trace_syscall(u64 nr, const struct syscall_args *args, s64 result);
void trace_exit(int wait_status);
void trace_end(void);
void trace_signal(const struct siginfo *info); /* a signal is delivered */
/*
 * The line of the execve that started the sandbox: argc strings one after another, and the address
 * of the program's environment.
 */
void trace_first_program(const char *path, const char *argv, u32 argc, u32 envc, u64 envp);
/*
 * Writes the text that is kept. May be called at any time, with any lock but those below
 * LOCK_TRACE. Called before the vCPU sleeps.
 */
void trace_flush(void);
/* The same for a panic: takes no lock. */
void trace_panics(void);

#endif
