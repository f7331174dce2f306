/* SPDX-License-Identifier: MIT */
/* Reports about the system calls that programs make, defined in kernel/syscall/. */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include "common/types.h"

struct siginfo;
struct syscall_args;

/* At exit, logs a line for each unknown system call that was used, with its count. dispatch.c */
void syscall_report(void);

/*
 * trace.c, with BOOT_TRACE only: lines in strace's format. trace_enter is called before the call
 * and prints calls that do not return, or that replace what their arguments point to. trace_syscall
 * is called after the call and prints the others, "name(args) = result". trace_exit prints how the
 * process ends (wait(2) status).
 */
void trace_enter(u64 nr, const struct syscall_args *args);
void trace_syscall(u64 nr, const struct syscall_args *args, s64 result);
void trace_exit(int wait_status);
void trace_signal(const struct siginfo *info); /* a signal is delivered */

#endif
