// SPDX-License-Identifier: MIT
/*
 * Does the depot keep each call stack once, find it by its number, and refuse numbers that it never
 * gave out?
 *
 * sources: tests/fake/kmalloc.c kernel/check/depot.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/check/depot.h"

#define STACKS 20000

static u32 fill(u64 *pc, u32 n)
{
	u32 count = 1 + n % CHECK_DEPTH_MAX;

	for (u32 i = 0; i < count; i++)
		pc[i] = (n + 1) * 0x1000UL + i;
	return count;
}

static void stacks_are_kept_once(void **state)
{
	struct chk_depot *d = depot_new();
	u32 *id = calloc(STACKS, sizeof(*id));
	u64 pc[CHECK_DEPTH_MAX];
	const u64 *got;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (u32 n = 0; n < STACKS; n++) {
			u32 count = fill(pc, n), now = depot_add(d, pc, count);

			assert_int_not_equal(now, 0);
			if (round)
				assert_int_equal(now, id[n]);
			id[n] = now;
		}
		assert_int_equal(depot_count(d), STACKS);
	}
	for (u32 n = 0; n < STACKS; n++) {
		u32 count = fill(pc, n);

		assert_int_equal(depot_stack(d, id[n], &got), count);
		assert_memory_equal(got, pc, count * sizeof(*pc));
		/* No other number of the stack's words is valid. */
		assert_int_equal(depot_stack(d, id[n] + 1, &got), 0);
		assert_null(got);
	}
	free(id);
	depot_put(d);
}

static void made_up_numbers_name_nothing(void **state)
{
	struct chk_depot *d = depot_new();
	u64 pc[CHECK_DEPTH_MAX + 1] = {1};
	const u64 *got;

	(void)state;
	assert_int_equal(depot_add(d, pc, 0), 0);
	assert_int_equal(depot_add(d, pc, CHECK_DEPTH_MAX + 1), 0);
	assert_int_equal(depot_stack(d, 0, &got), 0);
	assert_int_equal(depot_stack(d, 1, &got), 0);
	assert_int_not_equal(depot_add(d, pc, CHECK_DEPTH_MAX), 0);
	for (u32 id = 2; id < 20000; id++)
		assert_int_equal(depot_stack(d, id, &got), 0);
	assert_int_equal(depot_stack(d, UINT32_MAX, &got), 0);
	depot_get(d);
	depot_put(d);
	depot_put(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_are_kept_once),
		cmocka_unit_test(made_up_numbers_name_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
