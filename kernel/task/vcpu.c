// SPDX-License-Identifier: MIT
/*
 * The pool of vCPUs. Making one costs the host about a millisecond and KVM never lets go of it, so
 * a vCPU outlives its thread: it sleeps on a word of its own, on the kernel stack that is its own
 * too, and the next thread is handed to it by that word, without any call to KVM.
 *
 * A vCPU whose thread ended keeps the page tables loaded, for the next thread is most likely one of
 * the same process; the last thread of a process, and vcpu_evict for those that stayed behind,
 * change to the kernel's own before the tables are freed.
 *
 * Invariants: a vCPU is in the list of idle ones exactly while its word is VCPU_IDLE and nobody has
 * taken it. .mm names the loaded tables and is written by the vCPU itself, after the bit in
 * mm.cpus is set and before it is cleared for the old one; it is not a reference.
 */
#include "kernel/mm/mm_needs.h"
#include "kernel/task/process.h"
#include "kernel/task/vcpu.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/stats.h"
#include "kernel/task/task.h"

_Static_assert(VCPUS_MAX <= LOCK_VCPUS, "each has its row in lock.c");

enum order { VCPU_IDLE, VCPU_BUSY, VCPU_RUN, VCPU_LEAVE };

struct vcpu {
	LIST_ENTRY(vcpu) link;
	u32 id;
	u32 order;   /* the word it sleeps on */
	bool listed; /* it is in the list; pool_lock */
	void *kstack;
	struct thread *next; /* with VCPU_RUN */
	struct mm *mm;	     /* NULL: the kernel's own tables */
};

static struct mutex pool_lock =
	MUTEX_INIT(LOCK_POOL); /* inside all others: the list, .listed, count, full */
static LIST_HEAD(, vcpu) idle_vcpus GUARDED_BY(pool_lock) = LIST_HEAD_INITIALIZER(idle_vcpus);
static struct vcpu *vcpus[VCPUS_MAX];
static u32 count;			/* of vcpus */
static bool full GUARDED_BY(pool_lock); /* the host gives no more */

/* Looked at for one with the right page tables before any is taken. */
#define SEARCH_MAX 16

static struct vcpu *self(void)
{
	return vcpus[arch_vcpu_data()->id];
}

static void list_idle(struct vcpu *v)
{
	mutex_lock(&pool_lock);
	__atomic_store_n(&v->order, VCPU_IDLE, __ATOMIC_RELEASE);
	v->listed = true;
	LIST_INSERT_HEAD(&idle_vcpus, v, link);
	mutex_unlock(&pool_lock);
}

/* pool_lock held. */
static void unlist(struct vcpu *v)
{
	ASSERT_HELD(&pool_lock);
	LIST_REMOVE(v, link);
	v->listed = false;
}

static void give_order(struct vcpu *v, enum order order)
{
	__atomic_store_n(&v->order, order, __ATOMIC_RELEASE);
	hc_wake(virt_to_phys(&v->order), 1);
}

void vcpu_enter_mm(struct mm *mm)
{
	struct vcpu *v = self();
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
	/* From here on old may be gone. */
	__atomic_store_n(&v->mm, mm, __ATOMIC_RELEASE);
}

/* The vCPU's life between two threads, and before its first. Signals from outside are vCPU 0's. */
static void idle(void *arg)
{
	struct vcpu *v = arg;

	arch_kstack_bind(v->kstack, NULL, v->id);
	for (;;) {
		switch ((enum order)__atomic_load_n(&v->order, __ATOMIC_ACQUIRE)) {
		case VCPU_IDLE:
			hc_wait(virt_to_phys(&v->order), VCPU_IDLE, -1UL);
			signal_upcall();
			break;
		case VCPU_BUSY: /* taken; the order comes soon */
			hc_wait(virt_to_phys(&v->order), VCPU_BUSY, -1UL);
			signal_upcall();
			break;
		case VCPU_RUN:
			v->order = VCPU_BUSY;
			arch_kstack_bind(v->kstack, v->next, v->id);
			thread_begin(v->next);
		case VCPU_LEAVE:
			vcpu_enter_mm(NULL);
			list_idle(v);
			hc_wake(virt_to_phys(&v->order), INT32_MAX);
			break;
		}
	}
}

void vcpu_retire(u32 id)
{
	struct vcpu *v = vcpus[id];

	lock_assert_none();
	/* Until the next thread's frame is popped, which is above, this stack is still ours. */
	arch_kstack_bind(v->kstack, NULL, id);
	list_idle(v);
	arch_enter_stack((struct trapframe *)((char *)v->kstack + KSTACK_SIZE) - 1, idle, v);
}

static struct vcpu *vcpu_new(void)
{
	struct vcpu *v = kzalloc(sizeof(*v));

	if (v)
		v->order = VCPU_BUSY;
	return v;
}

void vcpu_boot(struct thread *t, void *kstack)
{
	struct vcpu *v = vcpu_new();

	KASSERT(v);
	v->kstack = kstack;
	vcpus[0] = v;
	count = 1;
	t->vcpu = 0;
	t->kstack = kstack;
}

/* One more vCPU, in its idle loop. NULL: the host or the sandbox's memory has no room. */
static struct vcpu *start_another(void)
{
	struct vcpu *v = vcpu_new();
	u64 stack = v ? frame_alloc(KSTACK_ORDER, FRAME_ZERO) : 0;
	bool may;

	if (!stack)
		goto free;
	mutex_lock(&pool_lock);
	may = !full && count < VCPUS_MAX;
	if (may) {
		v->id = count++;
		vcpus[v->id] = v;
	}
	mutex_unlock(&pool_lock);
	if (!may)
		goto free;
	v->kstack = phys_to_virt(stack);
	arch_kstack_bind(v->kstack, NULL, v->id);
	if (stats_add_vcpu(v->id) == 0 && arch_vcpu_start(v->id, v->kstack, idle, v) == 0)
		return v;
	/* KVM gives an id once: this one is lost, and more would be, too. */
	mutex_lock(&pool_lock);
	full = true;
	mutex_unlock(&pool_lock);
	return NULL;
free:
	if (stack)
		frame_put_block(stack, KSTACK_ORDER);
	kfree(v);
	return NULL;
}

int vcpu_take(struct thread *t, const struct mm *mm)
{
	struct vcpu *v, *found;
	unsigned n = 0;

	mutex_lock(&pool_lock);
	found = LIST_FIRST(&idle_vcpus);
	LIST_FOREACH (v, &idle_vcpus, link) {
		if (v->mm == mm) {
			found = v;
			break;
		}
		if (++n == SEARCH_MAX)
			break;
	}
	if (found) {
		unlist(found);
		found->order = VCPU_BUSY;
	}
	mutex_unlock(&pool_lock);
	if (!found)
		found = start_another();
	if (!found)
		return -EAGAIN;
	t->vcpu = found->id;
	t->kstack = found->kstack;
	return 0;
}

void vcpu_run(struct thread *t)
{
	struct vcpu *v = vcpus[t->vcpu];

	v->next = t;
	give_order(v, VCPU_RUN);
}

void vcpu_give_back(struct thread *t)
{
	list_idle(vcpus[t->vcpu]);
}

/* Tells v to leave mm if it is idle in it. */
static bool send_away(struct vcpu *v, const struct mm *mm)
{
	bool found;

	mutex_lock(&pool_lock);
	found = v->listed && v->mm == mm;
	if (found)
		unlist(v);
	mutex_unlock(&pool_lock);
	if (found)
		give_order(v, VCPU_LEAVE);
	return found;
}

void vcpu_evict(struct mm *mm)
{
	/* All at once, then wait for each. */
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
			/* It is on its way: out of a thread that ended, into another, or away. */
			while (pass && __atomic_load_n(&vcpus[id]->mm, __ATOMIC_ACQUIRE) == mm) {
				send_away(vcpus[id], mm);
				hc_sched_yield(HC_NONE);
			}
		}
	}
}
