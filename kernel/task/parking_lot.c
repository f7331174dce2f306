// SPDX-License-Identifier: MIT
/* See parking_lot.h. */
#include "kernel/task/parking_lot.h"
#include "kernel/kernel.h"

static int compare(const struct parked *a, const struct parked *b)
{
	if (a->deadline != b->deadline)
		return a->deadline < b->deadline ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

#define UNUSED_STATIC __attribute__((unused)) static
RB_GENERATE_INTERNAL(parked_tree, parked, timed, compare, UNUSED_STATIC)

static struct parked_list *list_of(struct parking_lot *all, const u32 *word)
{
	/*
	 * Addresses of words on kernel stacks differ in few bits; Fibonacci hashing spreads them.
	 */
	return &all->list[(u64)word / sizeof(u32) * 0x9e3779b97f4a7c15UL >> 54];
}
_Static_assert(PARKED_LISTS == 1 << (64 - 54), "the hash's top bits");

static void note_first(struct parking_lot *all)
{
	const struct parked *first = RB_MIN(parked_tree, &all->timed);

	__atomic_store_n(&all->first_deadline, first ? first->deadline : PARK_NO_DEADLINE,
			 __ATOMIC_SEQ_CST);
}

void lot_init(struct parking_lot *all)
{
	for (unsigned i = 0; i < PARKED_LISTS; i++)
		TAILQ_INIT(&all->list[i]);
	RB_INIT(&all->timed);
	all->first_deadline = PARK_NO_DEADLINE;
}

void lot_add(struct parking_lot *all, struct parked *s, const u32 *word, u64 deadline)
{
	s->word = word;
	s->deadline = deadline;
	s->order = all->next_order++;
	TAILQ_INSERT_TAIL(list_of(all, word), s, link);
	if (deadline == PARK_NO_DEADLINE)
		return;
	RB_INSERT(parked_tree, &all->timed, s);
	note_first(all);
}

void lot_remove(struct parking_lot *all, struct parked *s)
{
	TAILQ_REMOVE(list_of(all, s->word), s, link);
	if (s->deadline == PARK_NO_DEADLINE)
		return;
	RB_REMOVE(parked_tree, &all->timed, s);
	note_first(all);
}

struct parked *lot_on(struct parking_lot *all, const u32 *word)
{
	struct parked *s;

	TAILQ_FOREACH (s, list_of(all, word), link)
		if (s->word == word)
			return s;
	return NULL;
}

struct parked *lot_due(struct parking_lot *all, u64 now)
{
	struct parked *s = RB_MIN(parked_tree, &all->timed);

	return s && s->deadline <= now ? s : NULL;
}
