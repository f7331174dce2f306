// SPDX-License-Identifier: MIT
/*
 * The worker of exitless calls: a thread that looks at the calls which vCPUs submit
 * (common/hostcall.h) and serves them. Where there is no hardware virtualization an exit costs
 * twenty times what the host call itself does, and a CPU that looks costs nothing while nobody else
 * wants it.
 *
 * The thread is made when hostcalls first come in numbers, and sleeps when no call was submitted
 * for a while. While it looks it gives its CPU away every few microseconds: alone it gets it back
 * at once; where others want the CPU, it is away for milliseconds, says so before (worker_on), and
 * the vCPUs leave KVM_RUN as ever.
 *
 * It can lose its CPU with a call in its hands, too, and whoever submitted that waits until it is
 * back. So where others want the CPU it goes to sleep for longer, unless it has very much to do;
 * and wake-ups are never exitless: who is woken often takes the CPU of whom it is woken by.
 *
 * What it reads of the guest is whose call is submitted; the rest is hostcall_serve's to check. A
 * guest that submits calls without need wastes the time of one CPU, as it could by itself.
 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include "vm/exitless_policy.h"
#include "vm/hostcall.h"

/*
 * Microseconds, at least; what has a second number is at least that many times as long as a
 * sched_yield(2) that nobody used, which is 0.3 us on a fast host.
 */
#define POLL	    4 /* without a call, before others may have the CPU */
#define POLL_YIELDS 12
#define AWAY	    50 /* a longer absence was a program's turn, not an interrupt */
#define AWAY_YIELDS 160
#define SLEEP	    1000  /* without a call: nobody needs us */
#define REST	    50000 /* at least, when the calls were not worth the CPU */

static struct {
	_Atomic u32 awake; /* the word that the thread sleeps on; 0: it does */
	_Atomic bool made;
	_Atomic u64 rest; /* TSC until which it is not to be woken */
	u64 yield;	  /* TSC: the shortest sched_yield(2) that the thread made */
	struct exitless_policy policy;
} worker;

static u64 ticks(const struct sandbox *s, u64 us)
{
	return us * (s->tsc_khz / 1000);
}

/* Serves what is submitted: how many calls. */
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
 * Until no call has come for a while. While others want the CPU, a vCPU may have to wait for us
 * until we get it back: only many calls are worth that.
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

/* By a vCPU's thread that opens files as the monitor does: so will the new one. */
static void make_thread(struct sandbox *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;

	if (atomic_exchange(&worker.made, true))
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* Not where a program bound the thread that makes it. */
	pthread_attr_setaffinity_np(&attr, sizeof(s->cpus), &s->cpus);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* Without it everything works as well, by exits. */
	pthread_create(&thread, &attr, worker_thread, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

/* Returns true if the worker can help this vCPU. */
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
