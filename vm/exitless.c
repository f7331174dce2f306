// SPDX-License-Identifier: MIT
/*
 * The worker of exitless calls: a thread that polls for the calls that vCPUs submit
 * (common/hostcall.h) and serves them. Without hardware virtualization an exit costs twenty times
 * what the host call itself costs, and polling costs nothing as long as no other thread wants the
 * CPU.
 *
 * The monitor makes the thread when hostcalls first come in numbers. The worker sleeps when no call
 * was submitted for a while. While it polls it gives its CPU away every few microseconds. If no
 * other thread wants the CPU, the worker gets it back at once. If others want it, the worker is
 * away for milliseconds; it clears worker_on before, and the vCPUs leave KVM_RUN for their calls.
 *
 * The worker can also lose its CPU while it serves a call, and the vCPU that submitted the call
 * waits until the worker is back. So if other threads want the CPU, the worker sleeps for longer,
 * unless there are very many calls. Wake-ups are never exitless, because a woken thread often takes
 * the CPU of the thread that wakes it.
 *
 * The worker itself reads from the guest only which vCPUs have submitted calls; hostcall_serve
 * checks all else. A guest that submits calls without need wastes the time of one CPU, as it could
 * do anyway.
 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include "vm/exitless_policy.h"
#include "vm/hostcall.h"

/*
 * Times in microseconds. Those with a second number are also at least that many times as long as a
 * sched_yield(2) that no other thread uses, which takes 0.3 us on a fast host.
 */
#define POLL	    4 /* without a call, until the worker yields its CPU */
#define POLL_YIELDS 12
#define AWAY	    50 /* a longer absence is a time slice of another thread, not an interrupt */
#define AWAY_YIELDS 160
#define SLEEP	    1000  /* least time without a call until the worker sleeps */
#define REST	    50000 /* least sleep after EXITLESS_NOT_WORTH */

static struct {
	_Atomic u32 awake; /* the worker's futex word; 0: it sleeps */
	_Atomic bool made;
	_Atomic u64 rest; /* TSC until which calls do not wake the worker */
	u64 yield;	  /* TSC cycles of the worker's shortest sched_yield(2) */
	struct exitless_policy policy;
} worker;

static u64 ticks(const struct sandbox *s, u64 us)
{
	return us * (s->tsc_khz / 1000);
}

/* Serves the submitted calls. Returns how many there were. */
static u32 serve(struct sandbox *s, struct vcpu_data *shared)
{
	u64 submitted = 0;
	u32 calls;

	if (READ_ONCE(shared->submitted))
		submitted = __atomic_exchange_n(&shared->submitted, 0, __ATOMIC_SEQ_CST);
	calls = (u32)__builtin_popcountl(submitted);
	for (; submitted; submitted &= submitted - 1) {
		struct vcpu *v =
			__atomic_load_n(&s->vcpu[__builtin_ctzl(submitted)], __ATOMIC_ACQUIRE);

		if (v)
			hostcall_serve(v);
	}
	return calls;
}

/*
 * Polls until no call has come for a while, or until the calls were not worth the CPU. The latter
 * is judged only if other threads wanted the CPU, because a vCPU may then have to wait until the
 * worker gets its CPU back.
 */
static void poll_calls(struct sandbox *s, struct vcpu_data *shared)
{
	u64 now = __builtin_ia32_rdtsc(), last = now, given = now, began = now;
	u64 idle = exitless_policy_idle(&worker.policy, ticks(s, SLEEP));
	bool alone = true, crowded = false;
	u32 calls = 0, served;

	if (!worker.yield)
		worker.yield = ticks(s, POLL);
	while (now - last < idle) {
		u64 patience = MAX(ticks(s, POLL), POLL_YIELDS * worker.yield), absence;

		if (!READ_ONCE(shared->worker_on))
			WRITE_ONCE(shared->worker_on, 1);
		served = serve(s, shared);
		if (served) {
			calls += served;
			now = last = given = __builtin_ia32_rdtsc();
			continue;
		}
		__builtin_ia32_pause();
		now = __builtin_ia32_rdtsc();
		if (now - given < patience)
			continue;
		if (!alone)
			WRITE_ONCE(shared->worker_on, 0);
		sched_yield();
		given = __builtin_ia32_rdtsc();
		absence = given - now;
		worker.yield = MIN(worker.yield, absence);
		alone = absence < patience;
		crowded |= absence > MAX(ticks(s, AWAY), AWAY_YIELDS * worker.yield);
		now = given;
		switch (exitless_policy_judge(&worker.policy, now - began, calls)) {
		case EXITLESS_TOO_EARLY:
			continue;
		case EXITLESS_NOT_WORTH:
			if (!crowded)
				break;
			atomic_store(&worker.rest,
				     now + exitless_policy_rest(&worker.policy, ticks(s, REST)));
			WRITE_ONCE(shared->worker_on, 0);
			return;
		case EXITLESS_WORTH:
			break;
		}
		began = now;
		calls = 0;
		crowded = false;
	}
	WRITE_ONCE(shared->worker_on, 0);
}

static void *worker_thread(void *arg)
{
	struct sandbox *s = arg;
	struct vcpu_data *shared = s->vcpu[0]->data;

	for (;;) {
		while (!atomic_load(&worker.awake))
			HOST_CALL(futex, (u64)&worker.awake, FUTEX_WAIT_PRIVATE, 0, 0);
		poll_calls(s, shared);
		atomic_store(&worker.awake, 0);
	}
	return NULL;
}

/* Called by the thread of a vCPU with the monitor's own IDs, which the new thread inherits. */
static void make_thread(struct sandbox *s)
{
	if (atomic_exchange(&worker.made, true))
		return;
	/* Ignores failure: without the worker every hostcall is an exit. */
	host_thread_start(worker_thread, s, 0, 0, &s->cpus);
}

/* Returns true if the worker may serve this vCPU's calls. */
static bool may_be_exitless(const struct vcpu *v)
{
	const struct sandbox *s = v->sandbox;

	return s->ring_mode == RING_MODE_3 && s->opt.exitless && CPU_COUNT(&s->cpus) > 1 &&
	       s->tsc_khz >= 1000 && !v->own_ids;
}

void exitless_arrive(struct vcpu *v)
{
	if (v->left && may_be_exitless(v))
		exitless_policy_measure(&worker.policy, __builtin_ia32_rdtsc() - v->left);
}

void exitless_notice(struct vcpu *v, u32 nr)
{
	u64 now;

	if (!may_be_exitless(v))
		return;
	now = v->left = __builtin_ia32_rdtsc();
	if (!hostcall_is_nonblocking(nr) || atomic_load(&worker.awake) ||
	    (s64)(now - atomic_load(&worker.rest)) < 0 ||
	    !exitless_policy_notice(&worker.policy, now))
		return;
	atomic_store(&worker.awake, 1);
	make_thread(v->sandbox);
	HOST_CALL(futex, (u64)&worker.awake, FUTEX_WAKE_PRIVATE, 1);
}
