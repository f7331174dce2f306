// SPDX-License-Identifier: MIT
/*
 * See lock.h. The word: 0 free, 1 held, 2 held and a vCPU may sleep (Drepper, "Futexes Are
 * Tricky").
 */
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"

#define SPINS 100 /* most critical sections are shorter than a hostcall */

#ifdef BUFFERVM_DEBUG
#define HELD_MAX 8 /* most locks that a vCPU may hold at once */

static const char *const names[LOCK_CLASSES] = {
#define X(class, name) [LOCK_##class] = name,
	LOCK_ORDER(X)
#undef X
};

/* The locks that each vCPU holds. Only the vCPU itself uses its row. */
static struct held {
	u32 count;
	struct mutex *lock[HELD_MAX];
} held[LOCK_VCPUS];

static struct held *my_locks(void)
{
	u32 id = arch_vcpu_data()->id;

	KASSERT(id < LOCK_VCPUS);
	return &held[id];
}

static const char *name_of(const struct mutex *m)
{
	const char *name = m->class < LOCK_CLASSES ? names[m->class] : NULL;

	return name ? name : "without a class";
}

/* Panics if this vCPU may not take m now. */
static void check_order(const struct mutex *m)
{
	const struct held *h = my_locks();

	if (m->class == LOCK_NONE || m->class >= LOCK_CLASSES)
		panic("the lock at %p has no class: MUTEX_INIT or mutex_init", (const void *)m);
	for (u32 i = 0; i < h->count; i++) {
		const struct mutex *outer = h->lock[i];

		if (outer == m)
			panic("the lock %s is taken by its holder", name_of(m));
		if (outer->class > m->class || (outer->class == m->class && outer > m))
			panic("the lock %s is taken inside %s: against the order of lock.h",
			      name_of(m), name_of(outer));
	}
	if (h->count == HELD_MAX)
		panic("the lock %s is one too many", name_of(m));
}

static void note_taken(struct mutex *m)
{
	struct held *h = my_locks();

	h->lock[h->count++] = m;
}

static void note_released(const struct mutex *m)
{
	struct held *h = my_locks();
	u32 i = h->count;

	while (i && h->lock[i - 1] != m)
		i--;
	if (!i)
		panic("the lock %s is released, but not held", name_of(m));
	for (h->count--; i <= h->count; i++)
		h->lock[i - 1] = h->lock[i];
}

void lock_assert_held(const struct mutex *m, const char *file, int line)
{
	if (!READ_ONCE(m->word) || __atomic_load_n(&m->owner, __ATOMIC_RELAXED) != arch_vcpu_data())
		panic("%s:%d: the lock %s is not held", file, line, name_of(m));
}

void lock_assert_may_take(enum lock_class class)
{
	const struct held *h = my_locks();

	for (u32 i = 0; i < h->count; i++)
		if (h->lock[i]->class >= class)
			panic("under the lock %s, none like %s may be taken", name_of(h->lock[i]),
			      names[class]);
}

void lock_assert_none(void)
{
	const struct held *h = my_locks();

	if (h->count)
		panic("the lock %s is still held", name_of(h->lock[h->count - 1]));
}
#else
static void check_order(const struct mutex *m)
{
	(void)m;
}

static void note_taken(struct mutex *m)
{
	(void)m;
}

static void note_released(const struct mutex *m)
{
	(void)m;
}
#endif

static void acquire(struct mutex *m)
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

UNCHECKED_LOCKING void mutex_lock(struct mutex *m)
{
	check_order(m);
	acquire(m);
	__atomic_store_n(&m->owner, arch_vcpu_data(), __ATOMIC_RELAXED);
	note_taken(m);
}

UNCHECKED_LOCKING void mutex_unlock(struct mutex *m)
{
	note_released(m);
	if (__atomic_exchange_n(&m->word, 0, __ATOMIC_RELEASE) == 2)
		hc_wake(virt_to_phys(&m->word), 1);
}
