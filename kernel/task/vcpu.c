// SPDX-License-Identifier: MIT
/*
 * The pool of vCPUs. Making a vCPU costs the host about a millisecond and KVM cannot delete one, so
 * vCPUs are kept: a vCPU without work is idle and sleeps in the host on a word and a kernel stack
 * of its own. There are as many vCPUs as have run or slept in the host at once.
 *
 * A vCPU keeps the page tables of its last thread loaded, because the next thread is probably one
 * of the same process. vcpu_evict makes idle vCPUs leave page tables that are to be freed.
 *
 * Invariants: `busy` counts the vCPUs that are neither idle nor in the host. The thread that takes
 * a vCPU from the idle list counts it. .mm names the loaded tables and is not a reference. Only the
 * vCPU itself writes it: after it has set its bit in the new mm.cpus and cleared the bit in the old
 * one.
 */
#include "kernel/task/vcpu.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/mm_needs.h"
#include "kernel/park.h"
#include "kernel/signal/signal.h"
#include "kernel/stats.h"
#include "kernel/task/process.h"
#include "kernel/task/schedule.h"
#include "kernel/time/clock.h"

_Static_assert(VCPUS_MAX <= LOCK_VCPUS, "each has its row in lock.c");

/* How many idle vCPUs are searched for one with the right page tables. */
#define SEARCH_MAX 16

/* The values of the word that an idle vCPU sleeps on. */
enum order { ORDER_IDLE, ORDER_RUN };

static LIST_HEAD(, vcpu) idle_vcpus GUARDED_BY(sched_lock) = LIST_HEAD_INITIALIZER(idle_vcpus);
static struct vcpu *vcpus[VCPUS_MAX];
static u32 count GUARDED_BY(sched_lock); /* how many vCPUs exist */
static bool full GUARDED_BY(sched_lock); /* the host allows no more vCPUs */
static bool starting GUARDED_BY(sched_lock);
static u32 busy; /* atomic */

/* When the keeper, an idle vCPU, looks at the sleepers' deadlines next. */
static u64 keeper_ns = PARK_NO_DEADLINE;
static const struct vcpu *keeper GUARDED_BY(sched_lock);
static struct hostcall_tick tick = {.alarm_ns = PARK_NO_DEADLINE}; /* written by the monitor */

static struct vcpu_data *data_of(const struct vcpu *v)
{
	return arch_vcpu_data_of(v->id);
}

struct vcpu *vcpu_self(void)
{
	return vcpus[arch_vcpu_data()->id];
}

bool vcpu_in_host(u32 id)
{
	return READ_ONCE(arch_vcpu_data_of(id)->state) == VCPU_IN_HOST;
}

bool vcpu_too_many(void)
{
	return READ_ONCE(busy) > boot->cpus;
}

static void set_state(struct vcpu *v, enum vcpu_state state)
{
	WRITE_ONCE(data_of(v)->state, state);
}

/* -- The host thread of a vCPU ----------------------------------------------------------------- */

const struct cpu_mask *vcpu_cpus_at_start(void)
{
	static struct cpu_mask start; /* of vCPU 0's host thread, before the first change */
	struct cpu_mask m;
	s64 len;

	if (__atomic_load_n(&start.bytes, __ATOMIC_ACQUIRE))
		return &start;
	len = hc_sched_getaffinity(0, m.mask, sizeof(m.mask));
	if (len < 0)
		return NULL;
	memcpy(start.mask, m.mask, (u32)len);
	__atomic_store_n(&start.bytes, (u32)len, __ATOMIC_RELEASE);
	return &start;
}

void vcpu_affinity(const struct cpu_mask *m)
{
	struct vcpu *v = vcpu_self();

	if (!m->bytes && !v->cpus.bytes)
		return;
	if (!m->bytes)
		m = vcpu_cpus_at_start(); /* known, because a thread was bound */
	if (v->cpus.bytes == m->bytes && memcmp(v->cpus.mask, m->mask, m->bytes) == 0)
		return;
	v->cpus = *m;
	hc_sched_setaffinity(v->id, v->cpus.mask, v->cpus.bytes);
}

void vcpu_affinity_changed(u32 id)
{
	WRITE_ONCE(vcpus[id]->cpus.bytes, CPU_MASK_UNKNOWN);
}

/* -- Page tables ------------------------------------------------------------------------------- */

void vcpu_enter_mm(struct mm *mm)
{
	struct vcpu *v = vcpu_self();
	struct mm *old = v->mm;
	u64 bit = 1UL << v->id % 64;

	if (mm == old)
		return;
	if (mm) {
		__atomic_fetch_or(&mm->cpus[v->id / 64], bit, __ATOMIC_SEQ_CST);
		arch_switch(mm->pml4);
	} else {
		arch_switch_kernel();
	}
	if (old)
		__atomic_fetch_and(&old->cpus[v->id / 64], ~bit, __ATOMIC_SEQ_CST);
	/* Once its bit is cleared, old may be freed. */
	__atomic_store_n(&v->mm, mm, __ATOMIC_RELEASE);
}

/* -- The monitor's tick ------------------------------------------------------------------------ */

bool vcpu_ticks(void)
{
	return READ_ONCE(tick.on);
}

bool vcpu_watches_deadline(void)
{
	u64 first = sched_deadline();

	return first == PARK_NO_DEADLINE || READ_ONCE(tick.on) || READ_ONCE(keeper_ns) <= first ||
	       READ_ONCE(tick.alarm_ns) <= first;
}

static void ask_for_ticks(void)
{
	hc_tick(virt_to_phys(sched_ready_word()), virt_to_phys(sched_deadline_word()),
		virt_to_phys(&tick));
}

/* -- Idle vCPUs -------------------------------------------------------------------------------- */

static void list_idle(struct vcpu *v)
{
	ASSERT_HELD(&sched_lock);
	v->listed = true;
	__atomic_store_n(&v->order, ORDER_IDLE, __ATOMIC_RELEASE);
	set_state(v, VCPU_IDLE);
	LIST_INSERT_HEAD(&idle_vcpus, v, link);
	__atomic_fetch_sub(&busy, 1, __ATOMIC_SEQ_CST);
}

/* v runs again, because it was ordered to or woke by itself. Removes it from the idle list. */
static void unlist(struct vcpu *v)
{
	ASSERT_HELD(&sched_lock);
	LIST_REMOVE(v, link);
	v->listed = false;
	__atomic_store_n(&v->order, ORDER_RUN, __ATOMIC_RELEASE);
	set_state(v, VCPU_RUNS);
	__atomic_fetch_add(&busy, 1, __ATOMIC_SEQ_CST);
	if (keeper == v) {
		keeper = NULL;
		WRITE_ONCE(keeper_ns, PARK_NO_DEADLINE);
	}
}

/*
 * Removes an idle vCPU from the list. It counts as running; the caller wakes it by its word.
 * Returns NULL if there is none.
 */
static struct vcpu *take_idle(void)
{
	struct vcpu *v, *found;
	const struct mm *mm = current() ? current()->proc->mm : NULL;
	unsigned n = 0;

	ASSERT_HELD(&sched_lock);
	found = LIST_FIRST(&idle_vcpus);
	LIST_FOREACH (v, &idle_vcpus, link) {
		if (v->mm == mm) {
			found = v;
			break;
		}
		if (++n == SEARCH_MAX)
			break;
	}
	if (found)
		unlist(found);
	return found;
}

/*
 * Returns until when v, which is listed, sleeps: one idle vCPU, the keeper, looks at the deadlines.
 */
static u64 idle_until(const struct vcpu *v)
{
	ASSERT_HELD(&sched_lock);
	if (keeper && keeper_ns <= sched_deadline())
		return PARK_NO_DEADLINE;
	keeper = v;
	WRITE_ONCE(keeper_ns, sched_deadline());
	return keeper_ns;
}

static void sleep_until(struct vcpu *v, u64 until)
{
	u64 timeout = PARK_FOREVER;

	if (until != PARK_NO_DEADLINE) {
		u64 now = clock_monotonic_ns();

		if (until <= now)
			return;
		timeout = until - now;
	}
	hc_wait(virt_to_phys(&v->order), ORDER_IDLE, timeout);
}

/* The loop of a vCPU without a thread. signal_upcall looks for signals from outside, too. */
UNCHECKED_LOCKING static void idle(void *arg)
{
	struct vcpu *v = arg;

	mutex_lock(&sched_lock);
	for (;;) {
		struct thread *next = sched_next();
		bool tired;
		u64 until;

		if (next) {
			sched_switch(v, next);
			sched_switched(); /* reached when a thread stopped and no other was ready */
			mutex_lock(&sched_lock);
			continue;
		}
		list_idle(v);
		until = idle_until(v);
		tired = sched_ready() && !vcpu_ticks();
		mutex_unlock(&sched_lock);
		if (tired) /* no CPU is free for a ready thread */
			ask_for_ticks();
		sleep_until(v, until);
		signal_upcall();
		if (READ_ONCE(v->leaves)) {
			vcpu_enter_mm(NULL);
			WRITE_ONCE(v->leaves, false);
		}
		sched_expire();
		mutex_lock(&sched_lock);
		if (v->listed)
			unlist(v);
	}
}

/* The first switch to the idle loop on a new stack. */
UNCHECKED_LOCKING static void first_idle(void)
{
	sched_switched();
	idle(vcpu_self());
}

/* -- More vCPUs -------------------------------------------------------------------------------- */

static struct vcpu *vcpu_new(void)
{
	struct vcpu *v = kzalloc(sizeof(*v));
	u64 stack = v ? frame_alloc(KSTACK_ORDER, FRAME_ZERO) : 0;

	if (!stack) {
		kfree(v);
		return NULL;
	}
	v->idle.kstack = phys_to_virt(stack);
	v->order = ORDER_RUN;
	return v;
}

void vcpu_boot(struct thread *t)
{
	struct vcpu *v = vcpu_new();

	KASSERT(v);
	vcpus[0] = v;
	arch_kstack_bind(v->idle.kstack, NULL, 0);
	arch_context_init(&v->idle, first_idle);
	v->running = t;
	t->vcpu = 0;
	busy = 1;
	mutex_lock(&sched_lock);
	count = 1;
	mutex_unlock(&sched_lock);
}

/*
 * Starts another vCPU, which looks for ready threads. Does nothing if the host or memory has no
 * space for it. The caller has set starting.
 */
static void start_another(void)
{
	struct vcpu *v = vcpu_new();
	bool may;

	mutex_lock(&sched_lock);
	may = v && !full && count < VCPUS_MAX;
	if (may) {
		v->id = count++;
		vcpus[v->id] = v;
	}
	mutex_unlock(&sched_lock);
	if (!may)
		goto free;
	v->cpus = vcpu_self()->cpus; /* a host thread inherits the mask of its creator */
	arch_kstack_bind(v->idle.kstack, NULL, v->id);
	__atomic_fetch_add(&busy, 1, __ATOMIC_SEQ_CST);
	if (stats_add_vcpu(v->id) == 0 && arch_vcpu_start(v->id, v->idle.kstack, idle, v) == 0)
		goto done;
	__atomic_fetch_sub(&busy, 1, __ATOMIC_SEQ_CST);
	/* KVM gives an id only once: this one is lost, and so would be further ones. */
	mutex_lock(&sched_lock);
	full = true;
	mutex_unlock(&sched_lock);
	goto done;
free:
	if (v) {
		frame_put_block(virt_to_phys(v->idle.kstack), KSTACK_ORDER);
		kfree(v);
	}
done:
	mutex_lock(&sched_lock);
	starting = false;
	mutex_unlock(&sched_lock);
}

/*
 * If there is a CPU for another vCPU, returns an idle one, which counts as running from now on. If
 * there is no idle one and another can be started, sets *missing and returns NULL.
 */
static struct vcpu *find_vcpu(bool *missing)
{
	struct vcpu *v;

	ASSERT_HELD(&sched_lock);
	*missing = false;
	if (!sched_ready() || READ_ONCE(busy) >= boot->cpus)
		return NULL;
	v = take_idle();
	if (!v && !starting && !full)
		*missing = starting = true;
	return v;
}

void vcpu_spread(void)
{
	struct vcpu *v;
	bool missing, tired;

	mutex_lock(&sched_lock);
	v = find_vcpu(&missing);
	tired = sched_ready() && !v && !missing && !vcpu_ticks();
	mutex_unlock(&sched_lock);
	if (v)
		hc_wake(virt_to_phys(&v->order), 1);
	if (missing)
		start_another();
	if (tired || !vcpu_watches_deadline())
		ask_for_ticks();
}

/* -- Hostcalls that sleep (kernel/park.h) ------------------------------------------------------ */

void host_sleep_prepare(void)
{
	bool missing = false, tired = false;

	if (!vcpus[0] || !current())
		return;
	if (sched_ready()) {
		mutex_lock(&sched_lock);
		/* Counts as if this vCPU were in the host already. */
		missing = sched_ready() && READ_ONCE(busy) <= boot->cpus &&
			  LIST_EMPTY(&idle_vcpus) && !starting && !full;
		starting |= missing;
		tired = !missing && !vcpu_ticks();
		mutex_unlock(&sched_lock);
	}
	if (missing)
		start_another();
	if (tired || !vcpu_watches_deadline())
		ask_for_ticks();
}

u64 host_sleep_begin(void)
{
	struct vcpu *v, *other;
	bool missing;

	if (!vcpus[0] || !current())
		return 0;
	v = vcpu_self();
	set_state(v, VCPU_IN_HOST);
	__atomic_fetch_sub(&busy, 1, __ATOMIC_SEQ_CST);
	if (!sched_ready())
		return 0;
	mutex_lock(&sched_lock);
	other = find_vcpu(&missing);
	if (missing)
		starting = false; /* the monitor's tick will start one */
	mutex_unlock(&sched_lock);
	return other ? virt_to_phys(&other->order) : 0;
}

void host_sleep_end(void)
{
	if (!vcpus[0] || !current())
		return;
	__atomic_fetch_add(&busy, 1, __ATOMIC_SEQ_CST);
	set_state(vcpu_self(), VCPU_RUNS);
}

/* -- The end of an address space --------------------------------------------------------------- */

/* Makes v leave mm if it is idle with mm's page tables. */
static void send_away(struct vcpu *v, const struct mm *mm)
{
	bool found;

	mutex_lock(&sched_lock);
	found = v->listed && v->mm == mm;
	if (found) {
		v->leaves = true;
		unlist(v);
	}
	mutex_unlock(&sched_lock);
	if (found)
		hc_wake(virt_to_phys(&v->order), 1);
}

void vcpu_evict(struct mm *mm)
{
	/* The first pass tells all, the second waits for each. */
	for (u32 pass = 0; pass < 2; pass++) {
		for (u32 id = 0; id < VCPUS_MAX; id++) {
			u64 bits = __atomic_load_n(&mm->cpus[id / 64], __ATOMIC_ACQUIRE);

			if (!bits) {
				id |= 63;
				continue;
			}
			if (!(bits >> id % 64 & 1))
				continue;
			send_away(vcpus[id], mm);
			/*
			 * It is leaving: out of a thread that ended, into another mm, or because it
			 * was told.
			 */
			while (pass && __atomic_load_n(&vcpus[id]->mm, __ATOMIC_ACQUIRE) == mm) {
				send_away(vcpus[id], mm);
				hc_sched_yield(HC_NONE);
			}
		}
	}
}
