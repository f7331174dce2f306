// SPDX-License-Identifier: MIT
/* See wait.h. */
#include "kernel/ipc/wait.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/signal/signal.h"
#include "kernel/time/clock.h"

s64 ipc_sleep(u32 *woken, u64 deadline)
{
	while (!__atomic_load_n(woken, __ATOMIC_ACQUIRE)) {
		u64 left = PARK_FOREVER;
		s64 err;

		signal_upcall();
		if (signal_pending())
			return -EINTR;
		if (deadline != IPC_FOREVER) {
			u64 now = clock_monotonic_ns();

			if (now >= deadline)
				return -ETIMEDOUT;
			left = deadline - now;
		}
		err = park(woken, 0, left);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -ETIMEDOUT)
			return err;
	}
	return 0;
}

void ipc_wake(u32 *woken)
{
	__atomic_store_n(woken, 1, __ATOMIC_RELEASE);
	unpark(woken, 1);
}
