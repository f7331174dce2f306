/* SPDX-License-Identifier: MIT */
/*
 * Callers of the instruction at fault where its code has no frame tables (musl's): read while the
 * program's memory is at hand, since it is the words behind a PLT that tell where a call went.
 */
#ifndef KERNEL_CHECK_CALLERS_H
#define KERNEL_CHECK_CALLERS_H

#include "check/abi/check.h"

/*
 * The registers in the running thread's callers, innermost first, as check/preload/guess.h guesses
 * them: how many, at most CHECK_CALLERS_MAX. No lock is held.
 */
u32 chk_callers(struct check_caller *caller);

#endif
