/* SPDX-License-Identifier: MIT */
/*
 * Callers in code of ELF files without frame tables, as musl's: the word on the stack that looks
 * like the return address of a call of the function. It may be a wrong one: what an earlier call
 * left behind. Used by the library for its stacks and by the kernel for that of a fault.
 */
#ifndef CHECK_PRELOAD_GUESS_H
#define CHECK_PRELOAD_GUESS_H

#include "check/preload/cfi.h"

/* From the registers in the frame of pc to those in its caller. False: nothing like it is near. */
bool guess_caller(u64 pc, struct cfi_registers *r);

#endif
