// SPDX-License-Identifier: MIT
/*
 * See depot.h. Stacks lie one behind the other in blocks of words. A stack is a head and its
 * addresses. Its number is the index of its first word, over all blocks; no stack begins at 0.
 *
 * Invariants: a stack does not cross the end of its block; blocks never move; each stack is in the
 * chain of its hash.
 */
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/check/depot.h"
#include "kernel/mm/kmalloc.h"

#define BLOCK_WORDS   8192u
#define BLOCKS	      4096u /* 256 MiB: stacks beyond are not kept */
#define BUCKETS_FIRST 1024u
#define BUCKETS_MAX   (1u << 19)

struct stack {
	u32 hash, next; /* next: number of the next stack in the bucket, 0: none */
	u64 count;
	u64 pc[];
};
#define STACK_WORDS(count) (sizeof(struct stack) / sizeof(u64) + (count))

struct chk_depot {
	u32 refs; /* atomic */
	struct mutex lock;
	u64 *block[BLOCKS];
	u32 blocks, used; /* used: words of the last block that are in use */
	u32 *bucket;
	u32 buckets;
	u64 stacks;
};

struct chk_depot *depot_new(void)
{
	struct chk_depot *d = kzalloc(sizeof(*d));

	if (!d)
		return NULL;
	d->refs = 1;
	mutex_init(&d->lock, LOCK_CHECK_DEPOT);
	d->buckets = BUCKETS_FIRST;
	d->bucket = kzalloc(d->buckets * sizeof(*d->bucket));
	if (d->bucket)
		return d;
	kfree(d);
	return NULL;
}

void depot_get(struct chk_depot *d)
{
	__atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
}

void depot_put(struct chk_depot *d)
{
	if (__atomic_fetch_sub(&d->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	for (u32 i = 0; i < d->blocks; i++)
		kfree(d->block[i]);
	kfree(d->bucket);
	kfree(d);
}

static struct stack *stack_of(const struct chk_depot *d, u32 id)
{
	return (struct stack *)(d->block[id / BLOCK_WORDS] + id % BLOCK_WORDS);
}

/* Returns whether depot_add returned this number. Numbers come from the program. */
static bool known(const struct chk_depot *d, u32 id)
{
	u32 at = id % BLOCK_WORDS, block = id / BLOCK_WORDS;

	if (!id || block >= d->blocks)
		return false;
	/* Search the chain of its own hash: a number in the middle of a stack is in no chain. */
	if (at + STACK_WORDS(0) > BLOCK_WORDS)
		return false;
	for (u32 i = d->bucket[stack_of(d, id)->hash % d->buckets]; i; i = stack_of(d, i)->next)
		if (i == id)
			return true;
	return false;
}

static u32 hash_of(const u64 *pc, u32 count)
{
	u64 h = count;

	for (u32 i = 0; i < count; i++)
		h = (h ^ pc[i]) * 0x9e3779b97f4a7c15UL;
	return (u32)(h >> 32);
}

static void more_buckets(struct chk_depot *d)
{
	u32 buckets = d->buckets * 8, *bucket = kzalloc(buckets * sizeof(*bucket));

	if (!bucket)
		return; /* the chains become longer */
	for (u32 b = 0; b < d->buckets; b++) {
		for (u32 i = d->bucket[b], next; i; i = next) {
			struct stack *s = stack_of(d, i);

			next = s->next;
			s->next = bucket[s->hash % buckets];
			bucket[s->hash % buckets] = i;
		}
	}
	kfree(d->bucket);
	d->bucket = bucket;
	d->buckets = buckets;
}

/* Allocates space for a stack of count addresses. Returns its number, or 0 without memory. */
static u32 space(struct chk_depot *d, u32 count)
{
	u32 words = STACK_WORDS(count), id;

	if (!d->blocks || d->used + words > BLOCK_WORDS) {
		u64 *block = d->blocks < BLOCKS ? kzalloc(BLOCK_WORDS * sizeof(*block)) : NULL;

		if (!block)
			return 0;
		d->block[d->blocks++] = block;
		d->used = 1; /* number 0 is no stack; all blocks are treated alike */
	}
	id = (d->blocks - 1) * BLOCK_WORDS + d->used;
	d->used += words;
	return id;
}

u32 depot_add(struct chk_depot *d, const u64 *pc, u32 count)
{
	u32 hash = hash_of(pc, count), id;
	struct stack *s;

	if (!count || count > CHECK_DEPTH_MAX)
		return 0;
	mutex_lock(&d->lock);
	for (id = d->bucket[hash % d->buckets]; id; id = s->next) {
		s = stack_of(d, id);
		if (s->hash == hash && s->count == count && !memcmp(s->pc, pc, count * sizeof(*pc)))
			goto unlock;
	}
	id = space(d, count);
	if (!id)
		goto unlock;
	s = stack_of(d, id);
	s->hash = hash;
	s->count = count;
	memcpy(s->pc, pc, count * sizeof(*pc));
	s->next = d->bucket[hash % d->buckets];
	d->bucket[hash % d->buckets] = id;
	if (++d->stacks > d->buckets && d->buckets < BUCKETS_MAX)
		more_buckets(d);
unlock:
	mutex_unlock(&d->lock);
	return id;
}

u32 depot_stack(struct chk_depot *d, u32 id, const u64 **pc)
{
	u32 count = 0;

	*pc = NULL;
	mutex_lock(&d->lock);
	if (known(d, id)) {
		*pc = stack_of(d, id)->pc;
		count = (u32)stack_of(d, id)->count;
	}
	mutex_unlock(&d->lock);
	return count;
}

u32 depot_next(struct chk_depot *d)
{
	u32 next;

	mutex_lock(&d->lock);
	next = d->blocks ? (d->blocks - 1) * BLOCK_WORDS + d->used : 1;
	mutex_unlock(&d->lock);
	return next;
}

u64 depot_count(const struct chk_depot *d)
{
	return READ_ONCE(d->stacks);
}
