// SPDX-License-Identifier: MIT
/*
 * See freeze.h. process.freezer is the thread that froze its process. The other threads come to
 * freeze_park on their way out of the kernel, count themselves in process.frozen, and sleep on
 * process.freeze_word, which is 1 meanwhile. task_lock guards all of this.
 */
#include "kernel/task/freeze.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/fpu_area.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

/*
 * How long to wait for the other threads: a time, and a number of hostcalls where these are slow.
 * The wait is limited, because a thread may be in a host call that nothing interrupts.
 */
#define PATIENCE       (2 * NSEC_PER_SEC)
#define PATIENCE_CALLS 20000

bool process_is_frozen(const struct thread *t)
{
	const struct thread *by = READ_ONCE(t->proc->freezer);

	return by && by != t;
}

void freeze_park(void)
{
	struct thread *t = current();
	struct process *p = t->proc;
	struct xsave_area *fpu = fpu_area_saved();
	struct frozen state = {.fpu = fpu};

	state.fsbase = arch_get_fsbase();
	state.gsbase = arch_get_gsbase();
	mutex_lock(&task_lock);
	t->frozen = &state;
	p->frozen++;
	unpark(&p->frozen, 1);
	while (process_is_frozen(t) && !t->dying) {
		mutex_unlock(&task_lock);
		park(&p->freeze_word, 1, PARK_FOREVER);
		signal_upcall();
		mutex_lock(&task_lock);
	}
	p->frozen--;
	t->frozen = NULL;
	mutex_unlock(&task_lock);
	fpu_area_free(fpu);
}

bool process_freeze(void)
{
	struct thread *t = current(), *other;
	struct process *p = t->proc;
	u64 end = clock_monotonic_ns() + MAX(PATIENCE, PATIENCE_CALLS * hostcall_cost_ns());
	u64 now;

	mutex_lock(&task_lock);
	if (p->freezer || t->dying || p->group_exit) {
		mutex_unlock(&task_lock);
		if (process_is_frozen(t))
			freeze_park();
		return false;
	}
	p->freezer = t;
	__atomic_store_n(&p->freeze_word, 1, __ATOMIC_RELEASE);
	TAILQ_FOREACH (other, &p->threads, link)
		signal_kick(other);
	while (p->frozen + 1 < p->nthreads && (now = clock_monotonic_ns()) < end) {
		u32 frozen = p->frozen;

		mutex_unlock(&task_lock);
		park(&p->frozen, frozen, end - now);
		signal_upcall(); /* otherwise pending upcalls would end each sleep at once */
		mutex_lock(&task_lock);
	}
	mutex_unlock(&task_lock);
	return true;
}

void process_thaw(void)
{
	struct process *p = current_process();

	mutex_lock(&task_lock);
	p->freezer = NULL;
	__atomic_store_n(&p->freeze_word, 0, __ATOMIC_RELEASE);
	mutex_unlock(&task_lock);
	unpark(&p->freeze_word, UNPARK_ALL);
}
