// SPDX-License-Identifier: MIT
/* See park.h. A thread that sleeps keeps its vCPU, whose host thread sleeps in the hostcall wait.
 */
#include "kernel/park.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"

_Static_assert(PARK_FOREVER == -1UL, "hostcall wait: no limit");

s64 park(const u32 *word, u32 value, u64 timeout_ns)
{
	lock_assert_none();
	return hc_wait(virt_to_phys(word), value, timeout_ns);
}

void park_steady(const u32 *word, u32 value)
{
	lock_assert_none();
	hc_wait(virt_to_phys(word), value, HOSTCALL_WAIT_LOCK);
}

void unpark(const u32 *word, u32 count)
{
	hc_wake(virt_to_phys(word), count);
}
