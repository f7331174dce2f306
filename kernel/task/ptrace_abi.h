/* SPDX-License-Identifier: MIT */
/* The numbers of ptrace(2)'s requests, events and options, as in Linux's headers. */
#ifndef KERNEL_TASK_PTRACE_ABI_H
#define KERNEL_TASK_PTRACE_ABI_H

/* Excludes a header whose names common/x86.h defines for both sides of the boundary. */
#define _ASM_X86_PROCESSOR_FLAGS_H
#include <asm/ptrace-abi.h>
#include <linux/ptrace.h>

#endif
