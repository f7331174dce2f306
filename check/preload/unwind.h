/* SPDX-License-Identifier: MIT */
/*
 * Finds the return addresses on the running thread's stack, for malloc and free, by the modules'
 * frame tables (.eh_frame). Debian's programs have no frame pointers.
 *
 * Runs inside the program: no libc, no locks, no allocation; any thread, any signal handler, many
 * at once. A hash table keeps the rule of each pc, so a frame costs a few nanoseconds from the
 * second time on. The functions never fault, whatever is on the stack: peek.S reads it, and the
 * kernel turns a fault there into a result (CHK_CALL_UNWIND). Tables are read inside the bounds
 * that the kernel gives (CHK_CALL_MODULE).
 */
#ifndef CHECK_PRELOAD_UNWIND_H
#define CHECK_PRELOAD_UNWIND_H

#include "common/types.h"

/* Is called before the program's first unwind_stack, after CHK_CALL_START; may be repeated. */
void unwind_init(void);

/*
 * Fills pcs with at most max addresses, the innermost first, and returns how many. rip is a return
 * address and becomes pcs[0] when max > 0; rsp and rbp are what these registers hold once
 * execution has returned there. All are return addresses: the call lies before pcs[i], at
 * pcs[i] - 1. (A pc that a signal interrupted is given plus one, so that this holds for it too.)
 * Stops early at the outermost frame or where the stack makes no sense.
 */
u32 unwind_stack(u64 *pcs, u32 max, u64 rip, u64 rsp, u64 rbp);

/*
 * Takes the callers of the function that uses this macro (of an always_inline function: of the one
 * that it is inlined into). The compiler gives that function a frame pointer.
 */
#define UNWIND_CALLERS(pcs, max)                                                                   \
	({                                                                                         \
		const u64 *frame_ = __builtin_frame_address(0);                                    \
		unwind_stack((pcs), (max), frame_[1], (u64)(frame_ + 2), frame_[0]);               \
	})

#endif
