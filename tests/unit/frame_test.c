// SPDX-License-Identifier: MIT
/*
 * Are frames handed out once, aligned, zero where that was asked, and merged again when they come
 * back; does untouched RAM stay untouched; is RAM added, and memory's end reported?
 * sources: tests/fake/ram.c kernel/mm/frame.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "common/boot_info.h"
#include "kernel/mm/frame.h"
#include "tests/fake/ram.h"

#define MIB 0x100000UL

extern const struct boot_info *boot;

static u64 free_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.free;
}

static void blocks_are_aligned_and_counted(void **state)
{
	(void)state;
	fake_ram_init(64 * MIB, 64 * MIB);
	u64 before = free_frames();

	assert_int_equal(before, 64 * MIB / PAGE_SIZE);
	for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
		u64 gpa = frame_alloc(order, FRAME_ZERO);

		assert_true(frame_is_ram(gpa));
		assert_true(IS_ALIGNED(gpa, PAGE_SIZE << order));
		assert_int_equal(frame_refs(gpa), 1);
		assert_int_equal(frame_order(gpa), order);
		frame_put_block(gpa, order);
		assert_int_equal(free_frames(), before);
	}
	assert_false(frame_is_ram(RAM_BASE - PAGE_SIZE));
	assert_false(frame_is_ram(RAM_BASE + 64 * MIB));
}

static void references_keep_a_frame(void **state)
{
	(void)state;
	fake_ram_init(64 * MIB, 64 * MIB);
	u64 before = free_frames(), gpa = frame_alloc(4, 0);

	frame_split(gpa, 4);
	frame_get_range(gpa + PAGE_SIZE, 3);
	assert_false(frame_range_unshared(gpa, 2));
	assert_true(frame_range_unshared(gpa + 4 * PAGE_SIZE, 12));
	frame_put_range(gpa, 16);
	assert_int_equal(before - free_frames(), 3);
	frame_put(gpa + 2 * PAGE_SIZE);
	frame_put_range(gpa + PAGE_SIZE, 1);
	frame_put(gpa + 3 * PAGE_SIZE);
	assert_int_equal(free_frames(), before);
}

/* Returns how many pages of a range of the host's memory are resident. */
static u64 touched(void *start, u64 size)
{
	u64 pages = size / PAGE_SIZE, n = 0;
	unsigned char *vec = malloc(pages);

	assert_int_equal(mincore(start, size, vec), 0);
	for (u64 i = 0; i < pages; i++)
		n += vec[i] & 1;
	free(vec);
	return n;
}

static void unused_ram_costs_nothing(void **state)
{
	(void)state;
	fake_ram_init(2048 * MIB, 2048 * MIB);
	for (unsigned i = 0; i < 64; i++)
		assert_true(frame_alloc(i % 4, FRAME_ZERO) != 0);
	assert_in_range(touched(fake_phys(boot->frames_gpa), 8 * MIB), 0, 2);
	assert_int_equal(touched(fake_phys(RAM_BASE), 2048 * MIB), 0);
}

static void ram_is_added_and_ends(void **state)
{
	u64 n = 0, gpa;

	(void)state;
	fake_ram_init(16 * MIB, 256 * MIB);
	while ((gpa = frame_alloc(0, 0)))
		n++;
	assert_true(fake_ram.grown > 0);
	/* All frames but the reserve and a page table for each extent. */
	assert_in_range(n, 256 * MIB / PAGE_SIZE - 32, 256 * MIB / PAGE_SIZE);
	assert_true(frame_scarce());
	assert_int_equal(frame_alloc(3, 0), 0);
	frame_put(RAM_BASE + 5 * PAGE_SIZE);
	assert_int_equal(frame_alloc(0, 0), RAM_BASE + 5 * PAGE_SIZE);
}

static void large_free_blocks_go_back(void **state)
{
	enum { BLOCKS = 40 };
	u64 gpa[BLOCKS];

	(void)state;
	fake_ram_init(256 * MIB, 256 * MIB);
	for (unsigned i = 0; i < BLOCKS; i++) {
		gpa[i] = frame_alloc(FRAME_ORDER_MAX, 0);
		memset(fake_phys(gpa[i]), 0xaa, PAGE_SIZE);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		frame_put_block(gpa[i], FRAME_ORDER_MAX);
	assert_in_range(fake_ram.discarded, BLOCKS * 4 * MIB - 64 * MIB, BLOCKS * 4 * MIB);
	for (unsigned i = 0; i < BLOCKS; i++) {
		u64 again = frame_alloc(FRAME_ORDER_MAX, FRAME_ZERO);

		for (u64 *p = fake_phys(again); p < (u64 *)fake_phys(again + PAGE_SIZE); p++)
			assert_int_equal(*p, 0);
	}
}

/* Each block in use is filled with its number: a block that overlaps it would destroy that. */
static void random_use_keeps_blocks_apart(void **state)
{
	enum { SLOTS = 600 };
	static struct {
		u64 gpa, tag;
		unsigned order;
	} slot[SLOTS];
	u64 tag = 0, before;

	(void)state;
	srand(1);
	fake_ram_init(32 * MIB, 96 * MIB);
	before = free_frames();
	memset(slot, 0, sizeof(slot));
	for (unsigned round = 0; round < 60000; round++) {
		unsigned i = rand() % SLOTS;
		u64 words;

		if (!slot[i].gpa) {
			unsigned flags = rand() % 2 ? FRAME_ZERO : 0;

			slot[i].order = rand() % 100 ? rand() % 4 : rand() % 10;
			slot[i].gpa = frame_alloc(slot[i].order, flags);
			if (!slot[i].gpa)
				continue;
			assert_true(IS_ALIGNED(slot[i].gpa, PAGE_SIZE << slot[i].order));
			slot[i].tag = ++tag;
			words = (PAGE_SIZE << slot[i].order) / 8;
			for (u64 w = 0; w < words; w += 512) {
				u64 *p = (u64 *)fake_phys(slot[i].gpa) + w;

				if (flags)
					assert_true(p[0] == 0 && p[511] == 0);
				p[0] = p[511] = tag;
			}
			continue;
		}
		words = (PAGE_SIZE << slot[i].order) / 8;
		for (u64 w = 0; w < words; w += 512)
			assert_int_equal(((u64 *)fake_phys(slot[i].gpa))[w], slot[i].tag);
		if (slot[i].order && rand() % 2) {
			frame_split(slot[i].gpa, slot[i].order);
			frame_put_range(slot[i].gpa, 1UL << slot[i].order);
		} else {
			frame_put_block(slot[i].gpa, slot[i].order);
		}
		slot[i].gpa = 0;
	}
	for (unsigned i = 0; i < SLOTS; i++)
		if (slot[i].gpa)
			frame_put_block(slot[i].gpa, slot[i].order);
	assert_in_range(free_frames(), before - fake_ram.grown, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_aligned_and_counted),
		cmocka_unit_test(references_keep_a_frame),
		cmocka_unit_test(unused_ram_costs_nothing),
		cmocka_unit_test(ram_is_added_and_ends),
		cmocka_unit_test(large_free_blocks_go_back),
		cmocka_unit_test(random_use_keeps_blocks_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
