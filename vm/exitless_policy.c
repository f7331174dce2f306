// SPDX-License-Identifier: MIT
/* See exitless_policy.h. */
#include "vm/exitless_policy.h"

/*
 * NOTICE_CALLS calls wake the worker if their round trips take at least 1/NOTICE_SHARE of the time.
 */
#define NOTICE_CALLS 32
#define NOTICE_SHARE 6

/*
 * If other threads want the CPU: calls are worth the worker's CPU if they save at least
 * 1/WORTH_SHARE of a period. A period is WORTH_CALLS * WORTH_SHARE round trips long.
 */
#define WORTH_CALLS  16
#define WORTH_SHARE  4
/*
 * The worker finds in one period that calls are not worth it, and then rests for this many periods.
 */
#define REST_PERIODS 48

/*
 * Waking the worker again costs NOTICE_CALLS round trips, so it polls for twice as long before it
 * sleeps.
 */
#define IDLE_TRIPS   (2 * NOTICE_CALLS)

static u64 trips(const struct exitless_policy *p, u64 n)
{
	return n * atomic_load_explicit(&p->trip, memory_order_relaxed);
}

void exitless_policy_measure(struct exitless_policy *p, u64 trip)
{
	u64 least = atomic_load_explicit(&p->trip, memory_order_relaxed);

	if (trip && (!least || trip < least))
		atomic_store_explicit(&p->trip, trip, memory_order_relaxed);
}

bool exitless_policy_notice(struct exitless_policy *p, u64 now)
{
	if (now - atomic_load(&p->began) > trips(p, NOTICE_CALLS * NOTICE_SHARE)) {
		atomic_store(&p->began, now);
		atomic_store(&p->calls, 0);
	}
	return atomic_fetch_add(&p->calls, 1) >= NOTICE_CALLS && trips(p, 1);
}

u64 exitless_policy_idle(const struct exitless_policy *p, u64 least)
{
	return MAX(trips(p, IDLE_TRIPS), least);
}

u64 exitless_policy_rest(const struct exitless_policy *p, u64 least)
{
	return MAX(trips(p, REST_PERIODS * WORTH_CALLS * WORTH_SHARE), least);
}

enum exitless_verdict exitless_policy_judge(const struct exitless_policy *p, u64 elapsed, u32 calls)
{
	if (elapsed < trips(p, WORTH_CALLS * WORTH_SHARE))
		return EXITLESS_TOO_EARLY;
	return trips(p, (u64)calls * WORTH_SHARE) >= elapsed ? EXITLESS_WORTH : EXITLESS_NOT_WORTH;
}
