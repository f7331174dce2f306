/* SPDX-License-Identifier: MIT */
/* What the kernel tells of the system calls that programs make: kernel/syscall/. */
#ifndef KERNEL_TRACE_H
#define KERNEL_TRACE_H

#include "common/types.h"

struct siginfo;
struct syscall_args;

/* One line per unknown system call used, with its count (at exit). dispatch.c */
void syscall_report(void);

/*
 * trace.c, with BOOT_TRACE only: strace's lines. enter() before the call prints those that do not
 * come back or replace what their arguments point to; syscall() after it prints the others,
 * "name(args) = result"; exit() says how the process ends (wait(2) status).
 */
void trace_enter(u64 nr, const struct syscall_args *args);
void trace_syscall(u64 nr, const struct syscall_args *args, s64 result);
void trace_exit(int wait_status);
void trace_signal(const struct siginfo *info); /* a signal is delivered */

#endif
