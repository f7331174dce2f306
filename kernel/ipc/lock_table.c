// SPDX-License-Identifier: MIT
/* See lock_table.h. */
#include "kernel/ipc/lock_table.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"

/*
 * Chains of waits that are longer are not followed. Linux has the same limit,
 * MAX_DEADLK_ITERATIONS.
 */
#define CHAIN_MAX 10

static bool overlap(const struct lock_range *a, const struct lock_range *b)
{
	return a->start <= b->last && b->start <= a->last;
}

/*
 * The two ranges overlap or are adjacent. The additions do not wrap, because last is at most
 * LOCK_END_MAX.
 */
static bool touch(const struct lock_range *a, const struct lock_range *b)
{
	return a->start <= b->last + 1 && b->start <= a->last + 1;
}

const struct lock_range *lock_conflict(const struct lock_table *t, const struct lock_range *r)
{
	struct lock_record *rec;

	if (r->type == RECORD_NONE)
		return NULL;
	LIST_FOREACH (rec, t, link) {
		const struct lock_range *have = &rec->range;

		if (have->owner != r->owner && overlap(have, r) &&
		    (have->type == RECORD_WRITE || r->type == RECORD_WRITE))
			return have;
	}
	return NULL;
}

static void insert(struct lock_table *t, struct lock_record *new)
{
	struct lock_record *rec, *before = NULL;

	LIST_FOREACH (rec, t, link) {
		if (rec->range.start > new->range.start)
			break;
		before = rec;
	}
	if (before)
		LIST_INSERT_AFTER(before, new, link);
	else
		LIST_INSERT_HEAD(t, new, link);
}

static void discard(struct lock_record *rec)
{
	LIST_REMOVE(rec, link);
	kfree(rec);
}

int lock_set(struct lock_table *t, const struct lock_range *r)
{
	/* At most one record is new, and at most one is split in two. */
	struct lock_record *new = kmalloc(sizeof(*new)), *tail = kmalloc(sizeof(*tail));
	struct lock_record *rec, *next;

	if (!new || !tail) {
		kfree(new);
		kfree(tail);
		return -ENOMEM;
	}
	new->range = *r;
	for (rec = LIST_FIRST(t); rec; rec = next) {
		struct lock_range *have = &rec->range;

		next = LIST_NEXT(rec, link);
		if (have->owner != r->owner)
			continue;
		if (have->type == r->type && touch(have, &new->range)) {
			new->range.start = MIN(new->range.start, have->start);
			new->range.last = MAX(new->range.last, have->last);
			discard(rec);
		} else if (!overlap(have, r)) {
			continue;
		} else if (have->start < r->start) {
			if (have->last > r->last) {
				tail->range = *have;
				tail->range.start = r->last + 1;
				insert(t, tail);
				tail = NULL;
			}
			have->last = r->start - 1;
		} else if (have->last > r->last) {
			LIST_REMOVE(rec, link);
			have->start = r->last + 1;
			insert(t, rec);
		} else {
			discard(rec);
		}
		/*
		 * The tail was split off a record that held all of r, so this owner has no other
		 * record there.
		 */
		if (!tail)
			break;
	}
	kfree(tail);
	if (r->type == RECORD_NONE)
		kfree(new);
	else
		insert(t, new);
	return 0;
}

bool lock_drop_owner(struct lock_table *t, const void *owner)
{
	struct lock_record *rec, *next;
	bool any = false;

	for (rec = LIST_FIRST(t); rec; rec = next) {
		next = LIST_NEXT(rec, link);
		if (rec->range.owner == owner) {
			discard(rec);
			any = true;
		}
	}
	return any;
}

void lock_strongest(const struct lock_table *t, struct lock_range *r)
{
	struct lock_record *rec;

	r->type = RECORD_NONE;
	LIST_FOREACH (rec, t, link) {
		const struct lock_range *have = &rec->range;

		if (have->start > r->start)
			r->last = MIN(r->last, have->start - 1);
		else if (have->last < r->start)
			continue;
		else {
			r->type = MAX(r->type, have->type);
			r->last = MIN(r->last, have->last);
		}
		if (have->start > r->last)
			break;
	}
}

static bool leads_to(const struct lock_waits *waits, const void *owner, const void *holder,
		     unsigned steps)
{
	struct lock_wait *w;

	if (holder == owner)
		return true;
	if (steps == 0)
		return false;
	LIST_FOREACH (w, waits, link)
		if (w->owner == holder && leads_to(waits, owner, w->holder, steps - 1))
			return true;
	return false;
}

bool lock_deadlock(const struct lock_waits *waits, const void *owner, const void *holder)
{
	return leads_to(waits, owner, holder, CHAIN_MAX);
}
