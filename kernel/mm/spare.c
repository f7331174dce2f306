// SPDX-License-Identifier: MIT
/* See spare.h. */
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/spare.h"

#define PLACES	   8
#define TABLES_MAX 32 /* of one address space: 128 KiB */

static struct mutex spare_lock = MUTEX_INIT(LOCK_SPARE);
static struct place {
	u64 forker; /* mm.id of the owner; 0: the place is free */
	u64 used;   /* the value of uses when it was last used */
	struct mm *spare;
} places[PLACES] GUARDED_BY(spare_lock);
static u64 uses GUARDED_BY(spare_lock);

static struct place *place_of(u64 forker)
{
	ASSERT_HELD(&spare_lock);
	for (struct place *p = places; p < places + PLACES; p++)
		if (p->forker == forker)
			return p;
	return NULL;
}

/* Returns a free place, or else the least recently used one. */
static struct place *oldest(void)
{
	struct place *old = places;

	ASSERT_HELD(&spare_lock);
	for (struct place *p = places; p < places + PLACES; p++)
		if (p->used < old->used)
			old = p;
	return old;
}

struct mm *spare_take(const struct mm *forker)
{
	struct mm *spare, *other = NULL;
	struct place *p;

	mutex_lock(&spare_lock);
	p = place_of(forker->id);
	if (!p) {
		p = oldest();
		other = p->spare;
		*p = (struct place){.forker = forker->id};
	}
	p->used = ++uses;
	spare = p->spare;
	p->spare = NULL;
	mutex_unlock(&spare_lock);
	if (other)
		mm_free(other);
	return spare;
}

bool spare_wanted(const struct mm *mm)
{
	const struct place *p;
	bool wanted;

	if (!mm->copied_from || mm->page_tables > TABLES_MAX || frame_scarce())
		return false;
	mutex_lock(&spare_lock);
	p = place_of(mm->copied_from);
	wanted = p && !p->spare;
	mutex_unlock(&spare_lock);
	return wanted;
}

bool spare_keep(struct mm *mm)
{
	struct place *p;
	bool kept;

	mutex_lock(&spare_lock);
	p = place_of(mm->copied_from);
	kept = p && !p->spare;
	if (kept)
		p->spare = mm;
	mutex_unlock(&spare_lock);
	return kept;
}

void spare_forget(const struct mm *forker)
{
	struct mm *spare = NULL;
	struct place *p;

	mutex_lock(&spare_lock);
	p = place_of(forker->id);
	if (p) {
		spare = p->spare;
		*p = (struct place){0};
	}
	mutex_unlock(&spare_lock);
	if (spare)
		mm_free(spare);
}

bool spare_shrink(void)
{
	bool any = false;

	for (unsigned i = 0; i < PLACES; i++) {
		struct mm *spare;

		mutex_lock(&spare_lock);
		spare = places[i].spare;
		places[i].spare = NULL;
		mutex_unlock(&spare_lock);
		if (spare)
			mm_free(spare);
		any |= spare != NULL;
	}
	return any;
}
