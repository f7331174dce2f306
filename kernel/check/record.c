// SPDX-License-Identifier: MIT
/*
 * See record.h. Two levels of pointers lead to a leaf. A pointer is NULL (the leaf was never used),
 * RETIRED, or a reference to a leaf.
 *
 * Invariants: leaf.live is the number of live objects in the leaf. A leaf without live objects that
 * is not being filled is in the ring, exactly once. The ring has space for one more leaf whenever a
 * function is called.
 */
#include "kernel/kernel.h"
#include "kernel/check/record.h"
#include "kernel/mm/kmalloc.h"

#define GROUP_LEAVES 2048

struct chk_leaf {
	u32 refs; /* address spaces that share the leaf; atomic */
	u32 live;
	struct chk_record *record;
};

static struct chk_leaf retired_leaf;
#define RETIRED (&retired_leaf)

static u64 groups(const struct chk_records *r)
{
	return (r->slots / CHK_LEAF_SLOTS + GROUP_LEAVES - 1) / GROUP_LEAVES;
}

static u64 leaf_number(u64 slot)
{
	return slot / CHK_LEAF_SLOTS;
}

int records_init(struct chk_records *r, u64 slots, u32 dead_max)
{
	*r = (struct chk_records){
		.slots = slots, .leaf = slots, .dead_max = dead_max, .keep = dead_max};
	r->group = kzalloc(groups(r) * sizeof(*r->group));
	r->dead = kzalloc(dead_max * sizeof(*r->dead));
	if (r->group && r->dead)
		return 0;
	records_free(r);
	return -ENOMEM;
}

static void leaf_put(struct chk_leaf *leaf)
{
	if (!leaf || leaf == RETIRED || __atomic_fetch_sub(&leaf->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	kfree(leaf->record);
	kfree(leaf);
}

void records_free(struct chk_records *r)
{
	for (u64 g = 0; r->group && g < groups(r); g++) {
		for (u64 l = 0; r->group[g] && l < GROUP_LEAVES; l++)
			leaf_put(r->group[g][l]);
		kfree(r->group[g]);
	}
	kfree(r->group);
	kfree(r->dead);
	*r = (struct chk_records){0};
}

int records_dup(struct chk_records *to, const struct chk_records *from)
{
	if (records_init(to, from->slots, from->dead_max) < 0)
		return -ENOMEM;
	for (u64 g = 0; g < groups(from); g++) {
		if (!from->group[g])
			continue;
		to->group[g] = kmalloc(GROUP_LEAVES * sizeof(**to->group));
		if (!to->group[g]) {
			records_free(to);
			return -ENOMEM;
		}
		for (u64 l = 0; l < GROUP_LEAVES; l++) {
			struct chk_leaf *leaf = from->group[g][l];

			to->group[g][l] = leaf;
			if (leaf && leaf != RETIRED)
				__atomic_fetch_add(&leaf->refs, 1, __ATOMIC_RELAXED);
		}
	}
	memcpy(to->dead, from->dead, from->dead_max * sizeof(*to->dead));
	to->dead_first = from->dead_first;
	to->dead_count = from->dead_count;
	to->dead_untold = from->dead_untold;
	to->keep = from->keep;
	to->leaf = from->leaf;
	to->used = from->used;
	to->retired = from->retired;
	return 0;
}

/* Returns the pointer to a slot's leaf, or NULL if its group does not exist. */
static struct chk_leaf **leaf_entry(const struct chk_records *r, u64 slot)
{
	u64 n = leaf_number(slot);
	struct chk_leaf **group = slot < r->slots ? r->group[n / GROUP_LEAVES] : NULL;

	return group ? &group[n % GROUP_LEAVES] : NULL;
}

static struct chk_leaf *leaf_at(const struct chk_records *r, u64 slot)
{
	struct chk_leaf **entry = leaf_entry(r, slot);

	return entry && *entry != RETIRED ? *entry : NULL;
}

static struct chk_leaf *leaf_new(void)
{
	struct chk_leaf *leaf = kzalloc(sizeof(*leaf));

	if (!leaf)
		return NULL;
	leaf->refs = 1;
	leaf->record = kzalloc(CHK_LEAF_SLOTS * sizeof(*leaf->record));
	if (leaf->record)
		return leaf;
	kfree(leaf);
	return NULL;
}

/*
 * Returns the slot's leaf for writing, after copying it if it is shared. Creates the leaf if it
 * does not exist and make is true. Returns NULL without memory or without a leaf.
 */
static struct chk_leaf *leaf_own(struct chk_records *r, u64 slot, bool make)
{
	struct chk_leaf **group = r->group[leaf_number(slot) / GROUP_LEAVES], **entry, *copy;

	if (!group && make) {
		group = kzalloc(GROUP_LEAVES * sizeof(*group));
		r->group[leaf_number(slot) / GROUP_LEAVES] = group;
	}
	if (!group)
		return NULL;
	entry = &group[leaf_number(slot) % GROUP_LEAVES];
	if (!*entry || *entry == RETIRED) {
		copy = make ? leaf_new() : NULL;
		if (copy)
			*entry = copy;
		return copy;
	}
	if (__atomic_load_n(&(*entry)->refs, __ATOMIC_ACQUIRE) == 1)
		return *entry;
	copy = leaf_new();
	if (!copy)
		return NULL;
	copy->live = (*entry)->live;
	memcpy(copy->record, (*entry)->record, CHK_LEAF_SLOTS * sizeof(*copy->record));
	leaf_put(*entry);
	*entry = copy;
	return copy;
}

const struct chk_record *records_at(const struct chk_records *r, u64 slot)
{
	struct chk_leaf *leaf = leaf_at(r, slot);
	struct chk_record *record = leaf ? &leaf->record[slot % CHK_LEAF_SLOTS] : NULL;

	return record && record->state ? record : NULL;
}

struct chk_record *records_own(struct chk_records *r, u64 slot)
{
	struct chk_leaf *leaf = records_at(r, slot) ? leaf_own(r, slot, false) : NULL;

	return leaf ? &leaf->record[slot % CHK_LEAF_SLOTS] : NULL;
}

const struct chk_record *records_of(const struct chk_records *r, u64 slot, u64 *first)
{
	*first = slot + 1 <= r->slots ? records_prev(r, slot + 1) : r->slots;
	if (*first < r->slots) {
		const struct chk_record *record = records_at(r, *first);

		if (*first + record->slots > slot)
			return record;
	}
	return NULL;
}

bool records_retired(const struct chk_records *r, u64 slot)
{
	struct chk_leaf **entry = leaf_entry(r, slot);

	return entry && *entry == RETIRED;
}

u64 records_next(const struct chk_records *r, u64 from, bool live)
{
	u64 slot = from;

	while (slot < r->slots) {
		u64 n = leaf_number(slot);
		struct chk_leaf *leaf;

		if (!r->group[n / GROUP_LEAVES]) {
			slot = (n / GROUP_LEAVES + 1) * GROUP_LEAVES * CHK_LEAF_SLOTS;
			continue;
		}
		leaf = leaf_at(r, slot);
		if (!leaf || (live && !leaf->live)) {
			slot = (n + 1) * CHK_LEAF_SLOTS;
			continue;
		}
		do {
			u32 state = leaf->record[slot % CHK_LEAF_SLOTS].state;

			if (live ? state == CHK_STATE_LIVE : state)
				return slot;
		} while (++slot % CHK_LEAF_SLOTS);
	}
	return r->slots;
}

u64 records_prev(const struct chk_records *r, u64 before)
{
	for (u32 i = 1; i <= CHK_LEAF_SLOTS && i <= before; i++)
		if (records_at(r, before - i))
			return before - i;
	return r->slots;
}

static void push_dead(struct chk_records *r, u64 slot)
{
	KASSERT(r->dead_count < r->dead_max);
	r->dead[(r->dead_first + r->dead_count++) % r->dead_max] = (u32)leaf_number(slot);
	r->dead_untold++;
}

/* Chooses the next fresh or retired leaf to be filled. Returns false if there is none. */
static bool next_leaf(struct chk_records *r)
{
	u64 old = r->leaf, slot = old == r->slots ? 0 : old + CHK_LEAF_SLOTS;

	for (u64 n = 0; n < r->slots / CHK_LEAF_SLOTS; n++, slot += CHK_LEAF_SLOTS) {
		if (slot == r->slots)
			slot = 0;
		if (leaf_at(r, slot))
			continue;
		r->leaf = slot;
		r->used = 0;
		if (old < r->slots && leaf_at(r, old) && !leaf_at(r, old)->live)
			push_dead(r, old);
		return true;
	}
	return false;
}

struct chk_record *records_add(struct chk_records *r, u32 slots, u32 align, u64 *slot)
{
	u32 at = ALIGN_UP(r->used, align);
	struct chk_record *record;
	struct chk_leaf *leaf;

	if (r->leaf == r->slots || at + slots > CHK_LEAF_SLOTS) {
		if (slots > CHK_LEAF_SLOTS || !next_leaf(r))
			return NULL;
		at = 0;
	}
	leaf = leaf_own(r, r->leaf, true);
	if (!leaf)
		return NULL;
	leaf->live++;
	r->used = at + slots;
	*slot = r->leaf + at;
	record = &leaf->record[at];
	*record = (struct chk_record){.state = CHK_STATE_LIVE, .slots = slots};
	return record;
}

struct chk_record *records_add_run(struct chk_records *r, const u8 *slots, u32 count, u64 *slot)
{
	struct chk_record *record;
	u32 sum = 0;

	for (u32 i = 0; i < count; i++)
		sum += slots[i];
	record = records_add(r, sum, 1, slot);
	if (!record)
		return NULL;
	leaf_at(r, *slot)->live += count - 1;
	for (u32 i = 0, at = 0; i < count; at += slots[i++])
		record[at] = (struct chk_record){.state = CHK_STATE_LIVE, .slots = slots[i]};
	return record;
}

void records_died(struct chk_records *r, u64 slot)
{
	struct chk_leaf *leaf = leaf_own(r, slot, false);

	/* The caller has just written to the record, so the leaf is not shared. */
	KASSERT(leaf && leaf->live);
	if (--leaf->live == 0 && ALIGN_DOWN(slot, (u64)CHK_LEAF_SLOTS) != r->leaf)
		push_dead(r, slot);
}

u64 records_ended(struct chk_records *r)
{
	u32 n = r->dead_first + r->dead_count - r->dead_untold;

	if (!r->dead_untold)
		return r->slots;
	r->dead_untold--;
	return (u64)r->dead[n % r->dead_max] * CHK_LEAF_SLOTS;
}

u64 records_excess(struct chk_records *r)
{
	u32 oldest = r->dead[r->dead_first];

	if (!r->dead_count || r->dead_count < MIN(r->keep, r->dead_max))
		return r->slots;
	r->dead_first = (r->dead_first + 1) % r->dead_max;
	r->dead_count--;
	r->dead_untold = MIN(r->dead_untold, r->dead_count);
	return (u64)oldest * CHK_LEAF_SLOTS;
}

void records_drop(struct chk_records *r, u64 slot)
{
	struct chk_leaf **entry = leaf_entry(r, slot);

	leaf_put(*entry);
	*entry = RETIRED;
	r->retired++;
}
