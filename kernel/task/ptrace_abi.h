/* SPDX-License-Identifier: MIT */
/* The numbers of ptrace(2)'s requests, events and options, as in Linux's headers. */
#ifndef KERNEL_TASK_PTRACE_ABI_H
#define KERNEL_TASK_PTRACE_ABI_H

/* Excludes a header whose names common/x86.h defines for both sides of the boundary. */
#define _ASM_X86_PROCESSOR_FLAGS_H
#include <asm/ptrace-abi.h>
#include <linux/ptrace.h>
#include <linux/types.h>

/* Not in linux/ptrace.h of Linux 6.1. */
#ifndef PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
struct ptrace_sud_config {
	__u64 mode;
	__u64 selector;
	__u64 offset;
	__u64 len;
};
#endif

#endif
