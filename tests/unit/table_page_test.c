// SPDX-License-Identifier: MIT
/*
 * Are pages for page tables zero and handed out once; do they come from their own place while it
 * has some, and from RAM afterwards; does each go back to where it came from?
 *
 * sources: tests/fake/ram.c kernel/mm/frame.c kernel/mm/table_page.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/mm/frame.h"
#include "kernel/mm/table_page.h"
#include "tests/fake/ram.h"

#define MIB  0x100000UL
#define MORE 8 /* tables that have to be frames */

static u64 free_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.free;
}

static bool is_zero(u64 gpa)
{
	const u64 *p = fake_phys(gpa);

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*p); i++)
		if (p[i])
			return false;
	return true;
}

/* Takes more tables than have a place of their own, twice: the second time all were used before. */
static void tables_come_and_go(void **state)
{
	u64 gpa[FAKE_TABLES + MORE], before;

	(void)state;
	fake_ram_init(64 * MIB, 64 * MIB);
	before = free_frames();
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < FAKE_TABLES + MORE; i++) {
			gpa[i] = table_page_alloc(0);
			assert_true(is_zero(gpa[i]));
			assert_int_equal(frame_is_ram(gpa[i]), i >= FAKE_TABLES);
			memset(fake_phys(gpa[i]), 0xff, PAGE_SIZE);
			for (unsigned k = 0; k < i; k++)
				assert_int_not_equal(gpa[k], gpa[i]);
		}
		assert_int_equal(free_frames(), before - MORE);
		for (unsigned i = 0; i < FAKE_TABLES + MORE; i++)
			table_page_free(gpa[i]);
		assert_int_equal(free_frames(), before);
	}
}

/* The page that was freed last is the next one: KVM and the CPU know it. */
static void the_last_one_comes_first(void **state)
{
	u64 a, b;

	(void)state;
	fake_ram_init(64 * MIB, 64 * MIB);
	a = table_page_alloc(0);
	b = table_page_alloc(0);
	table_page_free(a);
	table_page_free(b);
	assert_int_equal(table_page_alloc(0), b);
	assert_int_equal(table_page_alloc(0), a);
	table_page_free(a);
	table_page_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_come_and_go),
		cmocka_unit_test(the_last_one_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
