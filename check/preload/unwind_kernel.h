/* SPDX-License-Identifier: MIT */
/*
 * What stack capture needs of the kernel: unwind_kernel.c. Unit tests and the fuzzer have a
 * unwind_module of their own.
 */
#ifndef CHECK_PRELOAD_UNWIND_KERNEL_H
#define CHECK_PRELOAD_UNWIND_KERNEL_H

#include "check/abi/call.h"
#include "common/types.h"

/* The module that pc is in. 0; -ENOENT: it is code of none; another error: it is no code. */
s64 unwind_module(u64 pc, struct chk_module *out);

/* An address in the code of the program itself; 0: not known. */
extern u64 unwind_program;

/* unwind.c; the kernel writes it: another value than before empties what is remembered of modules.
 */
extern u32 unwind_generation;

#endif
