// SPDX-License-Identifier: MIT
/*
 * Is the table of record locks right? Random locks, unlocks and drops of a few owners are done to
 * it and to a naive model, a type per byte and owner; conflicts, strength and the table's own
 * invariants are compared after each.
 * sources: kernel/ipc/lock_table.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/ipc/lock_table.h"

#define BYTES  24
#define OWNERS 3

void *kmalloc(u64 size);
void kfree(void *p);

static long allocated;
static bool no_memory;

void *kmalloc(u64 size)
{
	if (no_memory)
		return NULL;
	allocated++;
	return malloc(size);
}

void kfree(void *p)
{
	allocated -= p != NULL;
	free(p);
}

static char owner[OWNERS];
static enum lock_type model[OWNERS][BYTES];

static struct lock_range range(u64 start, u64 last, enum lock_type type, int who)
{
	return (struct lock_range){start, last, type, &owner[who], 100 + who};
}

static void check_invariants(const struct lock_table *t)
{
	struct lock_record *a, *b;
	u64 start = 0;

	LIST_FOREACH (a, t, link) {
		assert_true(a->range.start <= a->range.last);
		assert_true(a->range.start >= start);
		assert_int_not_equal(a->range.type, RECORD_NONE);
		start = a->range.start;
		for (b = LIST_NEXT(a, link); b; b = LIST_NEXT(b, link)) {
			if (a->range.owner != b->range.owner)
				continue;
			assert_true(b->range.start > a->range.last);
			if (a->range.type == b->range.type)
				assert_true(b->range.start > a->range.last + 1);
		}
	}
}

static void check_model(const struct lock_table *t)
{
	enum lock_type seen[OWNERS][BYTES] = {0};
	struct lock_record *rec;

	LIST_FOREACH (rec, t, link)
		for (u64 at = rec->range.start; at <= rec->range.last; at++)
			seen[(const char *)rec->range.owner - owner][at] = rec->range.type;
	assert_memory_equal(seen, model, sizeof(model));
}

static bool model_conflict(const struct lock_range *r, int who)
{
	for (int o = 0; o < OWNERS; o++)
		for (u64 at = r->start; o != who && at <= r->last; at++)
			if (model[o][at] == RECORD_WRITE ||
			    (model[o][at] && r->type == RECORD_WRITE))
				return true;
	return false;
}

static void check_strength(const struct lock_table *t)
{
	u64 at = 0;

	while (at < BYTES) {
		struct lock_range r = {.start = at, .last = BYTES - 1};

		lock_strongest(t, &r);
		assert_true(r.last >= at && r.last < BYTES);
		for (; at <= r.last; at++) {
			enum lock_type most = RECORD_NONE;

			for (int o = 0; o < OWNERS; o++)
				most = model[o][at] > most ? model[o][at] : most;
			assert_int_equal(most, r.type);
		}
	}
}

static void the_table_agrees_with_a_byte_map(void **state)
{
	struct lock_table t = LIST_HEAD_INITIALIZER(t);

	(void)state;
	memset(model, 0, sizeof(model));
	srand(1);
	for (int round = 0; round < 200000; round++) {
		int who = rand() % OWNERS;
		u64 a = (u64)rand() % BYTES, b = (u64)rand() % BYTES;
		struct lock_range r =
			range(a < b ? a : b, a < b ? b : a, (enum lock_type)(rand() % 3), who);
		const struct lock_range *other;

		if (rand() % 50 == 0) {
			bool any = false;

			for (int at = 0; at < BYTES; at++)
				any |= model[who][at] != RECORD_NONE;
			assert_int_equal(lock_drop_owner(&t, &owner[who]), any);
			memset(model[who], 0, sizeof(model[who]));
			continue;
		}
		other = lock_conflict(&t, &r);
		assert_int_equal(other != NULL, r.type != RECORD_NONE && model_conflict(&r, who));
		if (other) {
			assert_ptr_not_equal(other->owner, r.owner);
			continue;
		}
		assert_int_equal(lock_set(&t, &r), 0);
		for (u64 at = r.start; at <= r.last; at++)
			model[who][at] = r.type;
		check_invariants(&t);
		check_model(&t);
		check_strength(&t);
	}
	for (int who = 0; who < OWNERS; who++)
		lock_drop_owner(&t, &owner[who]);
	assert_true(LIST_EMPTY(&t));
	assert_int_equal(allocated, 0);
}

static void the_end_of_the_file_is_no_overflow(void **state)
{
	struct lock_table t = LIST_HEAD_INITIALIZER(t);
	struct lock_range all = range(0, LOCK_END_MAX, RECORD_WRITE, 0);
	struct lock_range middle = range(100, 199, RECORD_NONE, 0);
	struct lock_range end = range(200, LOCK_END_MAX, RECORD_READ, 1);
	struct lock_range first = {.start = 0, .last = LOCK_END_MAX};

	(void)state;
	assert_int_equal(lock_set(&t, &all), 0);
	assert_int_equal(lock_set(&t, &middle), 0);
	assert_int_equal(LIST_FIRST(&t)->range.last, 99);
	assert_int_equal(lock_conflict(&t, &end)->start, 200);
	assert_int_equal(lock_conflict(&t, &end)->pid, 100);
	lock_strongest(&t, &first);
	assert_int_equal(first.last, 99);
	assert_int_equal(first.type, RECORD_WRITE);
	assert_int_equal(lock_set(&t, &all), 0);
	assert_null(LIST_NEXT(LIST_FIRST(&t), link));
	assert_true(lock_drop_owner(&t, &owner[0]));
	assert_int_equal(allocated, 0);
}

static void without_memory_nothing_changes(void **state)
{
	struct lock_table t = LIST_HEAD_INITIALIZER(t);
	struct lock_range r = range(0, 9, RECORD_WRITE, 0), none = range(3, 4, RECORD_NONE, 0);

	(void)state;
	assert_int_equal(lock_set(&t, &r), 0);
	no_memory = true;
	assert_int_equal(lock_set(&t, &none), -ENOMEM);
	no_memory = false;
	assert_int_equal(LIST_FIRST(&t)->range.last, 9);
	lock_drop_owner(&t, &owner[0]);
}

static void a_circle_of_waits_is_found(void **state)
{
	struct lock_waits waits = LIST_HEAD_INITIALIZER(waits);
	struct lock_wait ab = {.owner = "a", .holder = "b"}, bc = {.owner = "b", .holder = "c"};
	const void *a = ab.owner, *b = ab.holder, *c = bc.holder;

	(void)state;
	bc.owner = b;
	LIST_INSERT_HEAD(&waits, &ab, link);
	LIST_INSERT_HEAD(&waits, &bc, link);
	assert_true(lock_deadlock(&waits, c, a));
	assert_true(lock_deadlock(&waits, b, a));
	assert_false(lock_deadlock(&waits, a, c));
	assert_false(lock_deadlock(&waits, a, b));
}

static void a_circle_of_others_ends_the_search(void **state)
{
	struct lock_waits waits = LIST_HEAD_INITIALIZER(waits);
	struct lock_wait ab = {.owner = "a", .holder = "b"}, ba;

	(void)state;
	ba = (struct lock_wait){.owner = ab.holder, .holder = ab.owner};
	LIST_INSERT_HEAD(&waits, &ab, link);
	LIST_INSERT_HEAD(&waits, &ba, link);
	assert_false(lock_deadlock(&waits, "c", ab.owner));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_agrees_with_a_byte_map),
		cmocka_unit_test(the_end_of_the_file_is_no_overflow),
		cmocka_unit_test(without_memory_nothing_changes),
		cmocka_unit_test(a_circle_of_waits_is_found),
		cmocka_unit_test(a_circle_of_others_ends_the_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
