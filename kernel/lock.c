// SPDX-License-Identifier: MIT
/* See lock.h. The word: 0 free, 1 held, 2 held and somebody sleeps (Drepper, "Futexes Are Tricky").
 */
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"

#define SPINS 100 /* most critical sections are shorter than a hostcall */

void mutex_lock(struct mutex *m)
{
	u32 seen = 0;

	if (__atomic_compare_exchange_n(&m->word, &seen, 1, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return;
	for (int i = 0; i < SPINS; i++) {
		arch_pause();
		seen = 0;
		if (!READ_ONCE(m->word) &&
		    __atomic_compare_exchange_n(&m->word, &seen, 1, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
	}
	while (__atomic_exchange_n(&m->word, 2, __ATOMIC_ACQUIRE))
		hc_wait(virt_to_phys(&m->word), 2, HOSTCALL_WAIT_LOCK);
}

void mutex_unlock(struct mutex *m)
{
	if (__atomic_exchange_n(&m->word, 0, __ATOMIC_RELEASE) == 2)
		hc_wake(virt_to_phys(&m->word), 1);
}
