/* SPDX-License-Identifier: MIT */
/*
 * The callers of a faulting instruction whose code has no frame tables (musl's). The kernel guesses
 * them, because the guess reads the program's code: a call through a PLT entry is recognized by
 * the words that the entry jumps through, and the reporter does not have these.
 */
#ifndef KERNEL_CHECK_CALLERS_H
#define KERNEL_CHECK_CALLERS_H

#include "check/abi/check.h"

/*
 * Stores the registers of the running thread's callers, innermost first, as check/preload/guess.h
 * guesses them. Returns their number, at most CHECK_CALLERS_MAX. No lock is held.
 */
u32 chk_callers(struct check_caller *caller);

#endif
