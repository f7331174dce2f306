/* SPDX-License-Identifier: MIT */
/*
 * Decides when the worker of exitless calls (exitless.c) is worth the CPU that it takes.
 *
 * The unit of time is the round trip: the time that a vCPU takes to leave KVM_RUN and to enter it
 * again. A round trip is 1 us on hardware, and 17, 60 or more on hosts that emulate. The monitor
 * measures it at each doorbell. The least value counts, because all that the guest or other
 * programs do in between only adds to it. All times are readings of the time-stamp counter, or
 * differences of two.
 */
#ifndef VM_EXITLESS_POLICY_H
#define VM_EXITLESS_POLICY_H

#include <stdatomic.h>
#include "common/types.h"

/* All vCPUs' threads use it without a lock. A lost count only delays a decision. */
struct exitless_policy {
	_Atomic u64 trip;  /* the least round trip so far; 0: none was measured */
	_Atomic u64 began; /* start of the present period ... */
	_Atomic u32 calls; /* ... and the number of calls in it */
};

/* Records a time that a vCPU was in KVM_RUN, from the end of a hostcall to the next doorbell. */
void exitless_policy_measure(struct exitless_policy *p, u64 trip);

/*
 * Counts a call that left KVM_RUN and could have been exitless. Returns true if the round trips of
 * such calls take a good share of the time. Returns false as long as no round trip was measured.
 */
bool exitless_policy_notice(struct exitless_policy *p, u64 now);

/* Returns how long the worker polls without finding a call before it sleeps: at least `least`. */
u64 exitless_policy_idle(const struct exitless_policy *p, u64 least);

/*
 * For hosts on which other threads want the worker's CPU: a call that the worker has taken may have
 * to wait until the worker gets its CPU back. The worker asks after each period whether `calls`
 * calls in `elapsed` were worth that. Returns EXITLESS_TOO_EARLY if elapsed is less than a period.
 */
enum exitless_verdict { EXITLESS_TOO_EARLY, EXITLESS_WORTH, EXITLESS_NOT_WORTH };
enum exitless_verdict exitless_policy_judge(const struct exitless_policy *p, u64 elapsed,
					    u32 calls);

/* Returns how long the worker sleeps after EXITLESS_NOT_WORTH: at least `least`. */
u64 exitless_policy_rest(const struct exitless_policy *p, u64 least);

#endif
