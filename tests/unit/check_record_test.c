// SPDX-License-Identifier: MIT
/*
 * Do the records of the page area know what is and was at each address, after forks, after the
 * oldest went, and after addresses began anew? Random operations, beside a naive model.
 *
 * sources: tests/fake/kmalloc.c kernel/check/record.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/check/record.h"

#define LEAVES 6
#define SLOTS  (LEAVES * (u64)CHK_LEAF_SLOTS)

/* For each slot, what begins there. state 0: nothing; gone: its leaf was retired. */
struct model {
	struct {
		u32 state, size, slots;
		bool gone;
	} at[SLOTS];
	bool ended[LEAVES]; /* records_ended has returned the leaf */
};

/* What has ended is told once, and has nothing that lives. */
static void hear(struct chk_records *r, struct model *m)
{
	u64 slot;

	while ((slot = records_ended(r)) != SLOTS) {
		assert_int_equal(slot % CHK_LEAF_SLOTS, 0);
		assert_int_not_equal(slot, r->leaf);
		assert_false(m->ended[slot / CHK_LEAF_SLOTS]);
		m->ended[slot / CHK_LEAF_SLOTS] = true;
		for (u64 s = slot; s < slot + CHK_LEAF_SLOTS; s++)
			assert_int_not_equal(m->at[s].state, CHK_STATE_LIVE);
	}
}

static void die(struct chk_records *r, struct model *m, u64 slot)
{
	struct chk_record *record = records_own(r, slot);
	u64 old;

	assert_non_null(record);
	record->state = CHK_STATE_FREED;
	m->at[slot].state = CHK_STATE_FREED;
	records_died(r, slot);
	hear(r, m);
	old = records_excess(r);
	if (old == SLOTS)
		return;
	assert_true(m->ended[old / CHK_LEAF_SLOTS]);
	for (u64 s = old; s < old + CHK_LEAF_SLOTS; s++) {
		assert_int_not_equal(m->at[s].state, CHK_STATE_LIVE);
		memset(&m->at[s], 0, sizeof(m->at[s]));
		m->at[s].gone = true;
	}
	records_drop(r, old);
}

static bool make(struct chk_records *r, struct model *m, u32 slots, u32 align, u32 size)
{
	struct chk_record *record;
	u64 slot, old;

	record = records_add(r, slots, align, &slot);
	if (!record)
		return false;
	assert_int_equal(slot % align, 0);
	assert_int_equal(slot / CHK_LEAF_SLOTS, (slot + slots - 1) / CHK_LEAF_SLOTS);
	record->size = size;
	for (u64 s = ALIGN_DOWN(slot, (u64)CHK_LEAF_SLOTS); s < slot + slots; s++)
		if (m->at[s].gone) /* the leaf was started again */
			for (u64 i = ALIGN_DOWN(s, (u64)CHK_LEAF_SLOTS), n = 0; n < CHK_LEAF_SLOTS;
			     n++)
				memset(&m->at[i + n], 0, sizeof(m->at[0]));
	for (u64 s = slot; s < slot + slots; s++)
		assert_int_equal(m->at[s].state, 0);
	m->at[slot].state = CHK_STATE_LIVE;
	m->at[slot].size = size;
	m->at[slot].slots = slots;
	m->ended[slot / CHK_LEAF_SLOTS] = false;
	hear(r, m);
	old = records_excess(r);
	if (old != SLOTS) {
		for (u64 s = old; s < old + CHK_LEAF_SLOTS; s++) {
			memset(&m->at[s], 0, sizeof(m->at[s]));
			m->at[s].gone = true;
		}
		records_drop(r, old);
	}
	return true;
}

static void compare(const struct chk_records *r, const struct model *m)
{
	u64 owner = SLOTS;

	for (u64 s = 0; s < SLOTS; s++) {
		const struct chk_record *record = records_at(r, s);
		u64 first;

		assert_int_equal(records_retired(r, s), m->at[s].gone);
		assert_int_equal(record != NULL, m->at[s].state != 0);
		if (record) {
			owner = s;
			assert_int_equal(record->state, m->at[s].state);
			assert_int_equal(record->size, m->at[s].size);
		}
		record = records_of(r, s, &first);
		if (owner < SLOTS && m->at[owner].state && owner + m->at[owner].slots > s)
			assert_int_equal(first, owner);
		else
			assert_null(record);
	}
	for (int live = 0; live < 2; live++) {
		u64 s = 0, want = 0;

		for (;; s++, want++) {
			s = records_next(r, s, live);
			while (want < SLOTS &&
			       !(live ? m->at[want].state == CHK_STATE_LIVE : m->at[want].state))
				want++;
			assert_int_equal(s, want);
			if (s == SLOTS)
				break;
		}
	}
}

static void random_operations(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 40; seed++) {
		struct chk_records r, child;
		struct model *m = calloc(2, sizeof(*m));
		bool forked = false;

		srand(seed);
		assert_int_equal(records_init(&r, SLOTS, 1 + seed % 3), 0);
		for (int i = 0; i < 6000; i++) {
			u64 slot = records_next(&r, rand() % SLOTS, true);
			bool full = false;

			if (rand() % 100 < 52)
				full = !make(&r, m, 1 + rand() % (rand() % 8 ? 2 : 17),
					     rand() % 10 ? 1 : 4, rand() % 4096);
			if ((full || rand() % 100 < 60) && slot < SLOTS)
				die(&r, m, slot);
			if (i == 3000) {
				assert_int_equal(records_dup(&child, &r), 0);
				m[1] = m[0];
				forked = true;
			}
			if (i % 1000 == 999)
				compare(&r, m);
		}
		assert_true(forked);
		/*
		 * The child does not see what the parent has done since, and the parent does not
		 * see the child's changes.
		 */
		compare(&child, &m[1]);
		for (u64 s = 0; (s = records_next(&child, s, true)) < SLOTS; s++)
			die(&child, &m[1], s);
		compare(&child, &m[1]);
		compare(&r, &m[0]);
		records_free(&child);
		records_free(&r);
		free(m);
	}
}

/* An address is reused only when all others have been given out, the longest dead first. */
static void addresses_are_not_reused_early(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct chk_records r;
	u64 before = 0, slot;

	(void)state;
	assert_int_equal(records_init(&r, SLOTS, 2), 0);
	for (u64 i = 0; i < SLOTS; i++) {
		struct chk_record *record = records_add(&r, 1, 1, &slot);

		assert_non_null(record);
		assert_true(i == 0 || slot > before);
		before = slot;
		m->at[slot].state = CHK_STATE_LIVE;
		if (records_excess(&r) != SLOTS)
			fail();
	}
	assert_null(records_add(&r, 1, 1, &slot)); /* everything lives */
	for (u64 s = 0; s < 3 * CHK_LEAF_SLOTS; s++)
		die(&r, m, s);
	assert_non_null(records_add(&r, 1, 1, &slot));
	assert_int_equal(slot, 0);
	records_free(&r);
	free(m);
}

/* The owner lowers the number of leaves that are kept: the oldest go, one with each operation. */
static void fewer_leaves_are_kept(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct chk_records r;
	u64 retired = 0, slot;

	(void)state;
	assert_int_equal(records_init(&r, SLOTS, LEAVES), 0);
	for (u64 i = 0; i < 4 * CHK_LEAF_SLOTS; i++) {
		assert_non_null(records_add(&r, 1, 1, &slot));
		m->at[slot].state = CHK_STATE_LIVE;
	}
	for (u64 s = 0; s < 3 * CHK_LEAF_SLOTS; s++)
		die(&r, m, s);
	assert_int_equal(r.retired, 0);
	assert_int_equal(r.dead_count, 3);
	r.keep = 1;
	while ((slot = records_excess(&r)) != SLOTS) {
		assert_int_equal(slot, retired++ * CHK_LEAF_SLOTS);
		records_drop(&r, slot);
	}
	assert_int_equal(retired, 3);
	records_free(&r);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
		cmocka_unit_test(addresses_are_not_reused_early),
		cmocka_unit_test(fewer_leaves_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
