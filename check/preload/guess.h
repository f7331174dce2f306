/* SPDX-License-Identifier: MIT */
/*
 * Finds callers in code of ELF files without frame tables, such as musl's: takes the word on the
 * stack that looks like the return address of a call of the function. That word may be a wrong one,
 * which an earlier call left behind. The library uses this for its stacks, and the kernel for the
 * stack of a fault.
 */
#ifndef CHECK_PRELOAD_GUESS_H
#define CHECK_PRELOAD_GUESS_H

#include "check/preload/cfi.h"

/*
 * Turns the registers in the frame of pc into those in its caller. Returns false if no word near
 * the top of the stack looks like a return address.
 */
bool guess_caller(u64 pc, struct cfi_registers *r);

#endif
