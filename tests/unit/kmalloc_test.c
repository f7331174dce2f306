// SPDX-License-Identifier: MIT
/*
 * Does the kernel heap keep its objects apart, aligned and whole, and give memory back?
 * sources: tests/fake/ram.c kernel/mm/frame.c kernel/mm/kmalloc.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"
#include "tests/fake/ram.h"

#define MIB 0x100000UL

static u64 used_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.total - s.free;
}

static void sizes_and_alignment(void **state)
{
	(void)state;
	for (u64 size = 0; size < 9000; size += size < 300 ? 1 : 97) {
		char *p = kmalloc(size);

		assert_non_null(p);
		assert_true(IS_ALIGNED((u64)p, 16));
		if (size >= 4096)
			assert_true(IS_ALIGNED((u64)p, PAGE_SIZE));
		memset(p, 0xff, size);
		kfree(p);
	}
	assert_non_null(kmalloc(4 * MIB));
	assert_null(kmalloc(4 * MIB + 1));
	kfree(NULL);
}

static void realloc_keeps_content(void **state)
{
	char *p = NULL;

	(void)state;
	for (u64 size = 1; size < 100000; size = size * 3 / 2 + 1) {
		u64 old = size * 2 / 3;

		p = krealloc(p, size);
		for (u64 i = 1; i < old - 2 && old > 3; i++)
			assert_int_equal((unsigned char)p[i], (unsigned char)(i * 7));
		for (u64 i = 0; i < size; i++)
			p[i] = (char)(i * 7);
	}
	p = krealloc(p, 10);
	for (u64 i = 0; i < 10; i++)
		assert_int_equal((unsigned char)p[i], (unsigned char)(i * 7));
	kfree(p);

	p = kstrdup("what a string");
	assert_string_equal(p, "what a string");
	kfree(p);
	p = kzalloc(500);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(p[i], 0);
	kfree(p);
}

static void random_use_keeps_objects_apart(void **state)
{
	enum { SLOTS = 3000 };
	static struct {
		unsigned char *p;
		u64 size;
	} slot[SLOTS];
	u64 before;

	(void)state;
	srand(2);
	before = used_frames();
	memset(slot, 0, sizeof(slot));
	for (unsigned round = 0; round < 300000; round++) {
		unsigned i = rand() % SLOTS;

		if (slot[i].p) {
			assert_int_equal(slot[i].p[0], i & 0xff);
			assert_int_equal(slot[i].p[slot[i].size - 1], i & 0xff);
			kfree(slot[i].p);
			slot[i].p = NULL;
			continue;
		}
		slot[i].size = 1 + (rand() % 50 ? rand() % 2100 : rand() % 20000);
		slot[i].p = kmalloc(slot[i].size);
		assert_non_null(slot[i].p);
		memset(slot[i].p, i & 0xff, slot[i].size);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		kfree(slot[i].p);
	/* One empty slab per class may stay. */
	assert_in_range(used_frames(), before, before + 14);
}

static int setup(void **state)
{
	(void)state;
	fake_ram_init(64 * MIB, 64 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_and_alignment),
		cmocka_unit_test(realloc_keeps_content),
		cmocka_unit_test(random_use_keeps_objects_apart),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
