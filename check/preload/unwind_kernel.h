/* SPDX-License-Identifier: MIT */
/*
 * What stack capture needs of the kernel: unwind_kernel.c. Unit tests and the fuzzer have a
 * unwind_module of their own.
 */
#ifndef CHECK_PRELOAD_UNWIND_KERNEL_H
#define CHECK_PRELOAD_UNWIND_KERNEL_H

#include "check/abi/call.h"
#include "common/types.h"

/* Finds the module of pc. 0; -ENOENT: pc is code of no module; another error: pc is not code. */
s64 unwind_module(u64 pc, struct chk_module *out);

/* An address in the code of the program itself; 0: not known. */
extern u64 unwind_program;

/* In unwind.c. The kernel increments it when modules change; then all rules are forgotten. */
extern u32 unwind_generation;

#endif
