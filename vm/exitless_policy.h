/* SPDX-License-Identifier: MIT */
/*
 * Decides when the worker of exitless calls (exitless.c) is worth the CPU that it takes.
 *
 * The unit of time is the round trip: what it costs a vCPU to leave KVM_RUN and to enter it again.
 * It is 1 us on hardware and 17, 60 or more on hosts that emulate; it is measured as exits happen,
 * and the least value counts, because everything that the guest or other programs do in between
 * only adds to it. All times are readings of the time-stamp counter or differences of such.
 */
#ifndef VM_EXITLESS_POLICY_H
#define VM_EXITLESS_POLICY_H

#include <stdatomic.h>
#include "common/types.h"

/* All vCPUs' threads use it without a lock; a count that is lost does no harm. */
struct exitless_policy {
	_Atomic u64 trip;  /* the least round trip so far; 0: none was seen */
	_Atomic u64 began; /* when the present period began ... */
	_Atomic u32 calls; /* ... and the calls in it */
};

/* Takes note of a time that a vCPU was away, from KVM_RUN's entry to its exit. */
void exitless_policy_measure(struct exitless_policy *p, u64 trip);

/*
 * Counts a call that was made by an exit and could have been exitless. Returns true if such calls
 * come in numbers: their round trips take a good part of the time. Returns false as long as nothing
 * was measured.
 */
bool exitless_policy_notice(struct exitless_policy *p, u64 now);

/* How long the thread looks without finding a call before it sleeps; at least `least`. */
u64 exitless_policy_idle(const struct exitless_policy *p, u64 least);

/*
 * Where other threads want the CPU, a call that the thread has taken may wait until it has the CPU
 * back. The thread asks after each period whether `calls` calls in `elapsed` were worth that.
 */
enum exitless_verdict { EXITLESS_TOO_EARLY, EXITLESS_WORTH, EXITLESS_NOT_WORTH };
enum exitless_verdict exitless_policy_judge(const struct exitless_policy *p, u64 elapsed,
					    u32 calls);

/* How long the thread stays away when they were not; at least `least`. */
u64 exitless_policy_rest(const struct exitless_policy *p, u64 least);

#endif
