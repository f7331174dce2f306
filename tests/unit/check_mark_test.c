// SPDX-License-Identifier: MIT
/*
 * Does mark and sweep find what a program has lost, and who lost it? Small shapes by hand, random
 * ones against a naive model, and as many objects as large programs have. The program's memory is
 * made up: objects as far apart as in the guarded heap, in pieces no longer than a page.
 *
 * sources: kernel/check/mark.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "check/abi/check.h"
#include "common/layout.h"
#include "kernel/check/mark.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"

void *kmalloc(u64 size)
{
	return size <= 4UL << 20 ? malloc(size) : NULL;
}

void *kzalloc(u64 size)
{
	return size <= 4UL << 20 ? calloc(1, size) : NULL;
}

void *krealloc(void *p, u64 size)
{
	return size <= 4UL << 20 ? realloc(p, size) : NULL;
}

void kfree(void *p)
{
	free(p);
}

void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	abort();
}

#define STRIDE	(2 * PAGE_SIZE)
#define WORDS	8 /* of an object */
#define OBJECTS 2000000u
#define ROOTS	UL(0x10000)

static u64 (*content)[WORDS];
static u64 roots[512];
static u32 objects;

static u64 address(u32 n)
{
	return CHK_GUARDED_BASE + n * STRIDE + 0x7c0;
}

/* Returns the number of the object that contains the address. */
static u32 number(u64 word)
{
	return (u32)((word - address(0)) / STRIDE);
}

static const void *memory(void *context, u64 va, u64 *len)
{
	u64 n = (va - CHK_GUARDED_BASE) / STRIDE, offset = va - ROOTS;

	assert_ptr_equal(context, content);
	assert_true(va % 8 == 0 && *len);
	if (offset < sizeof(roots)) {
		*len = MIN(*len, MIN(256, sizeof(roots) - offset)); /* page by page */
		return (u8 *)roots + offset;
	}
	if (va < CHK_GUARDED_BASE || n >= objects) {
		*len = MIN(*len, PAGE_SIZE - va % PAGE_SIZE);
		return NULL;
	}
	offset = va - address((u32)n);
	assert_true(offset < sizeof(*content) && *len <= sizeof(*content) - offset);
	return (u8 *)content[n] + offset;
}

static struct marks m;

/* Makes this many objects of 64 bytes without pointers. The stack of object n is n % stacks + 1. */
static void begin(u32 count, u32 stacks)
{
	objects = count;
	memset(content, 0, count * sizeof(*content));
	memset(roots, 0, sizeof(roots));
	assert_int_equal(marks_init(&m, memory, content), 0);
	for (u32 n = 0; n < count; n++)
		assert_int_equal(marks_add(&m, address(n), sizeof(*content), n % stacks + 1), 0);
}

static void run(void)
{
	marks_root(&m, ROOTS, ROOTS + sizeof(roots));
	marks_sweep(&m);
}

static u32 leader(u32 n)
{
	return marks_object(&m, n)->leader;
}

#define LOST_BY(n) (MARK_LOST + (n))

static void kept_and_lost(void **state)
{
	(void)state;
	begin(4, 1);
	roots[3] = address(1);
	run();
	assert_int_equal(leader(0), LOST_BY(0));
	assert_int_equal(leader(1), MARK_REACHABLE);
	assert_int_equal(leader(2), LOST_BY(2));
	marks_free(&m);
}

static void what_is_an_address(void **state)
{
	(void)state;
	begin(8, 1);
	roots[0] = address(0) + 1;
	roots[1] = address(1) + 63;
	roots[2] = address(2) + 64; /* behind it */
	roots[3] = address(3) - 1;
	memcpy((u8 *)roots + 44, &(u64){address(4)}, 8); /* not aligned */
	roots[511] = address(5);
	marks_word(&m, address(6));
	run();
	assert_int_equal(leader(0), MARK_REACHABLE);
	assert_int_equal(leader(1), MARK_REACHABLE);
	assert_int_equal(leader(2), LOST_BY(2));
	assert_int_equal(leader(3), LOST_BY(3));
	assert_int_equal(leader(4), LOST_BY(4));
	assert_int_equal(leader(5), MARK_REACHABLE);
	assert_int_equal(leader(6), MARK_REACHABLE);
	marks_free(&m);
}

static void a_chain_is_kept_by_its_head(void **state)
{
	(void)state;
	begin(100, 1);
	for (u32 n = 0; n < 99; n++)
		content[n][n % WORDS] = address(n + 1);
	roots[0] = address(40);
	run();
	for (u32 n = 0; n < 100; n++)
		assert_int_equal(leader(n), n < 40 ? LOST_BY(0) : MARK_REACHABLE);
	marks_free(&m);
}

/* The head has the highest address: each object found is a leader until the next one is found. */
static void a_chain_found_from_its_end(void **state)
{
	(void)state;
	begin(100, 1);
	for (u32 n = 1; n < 100; n++)
		content[n][0] = address(n - 1);
	run();
	for (u32 n = 0; n < 100; n++)
		assert_int_equal(leader(n), LOST_BY(99));
	marks_free(&m);
}

static void a_ring_has_one_leader(void **state)
{
	(void)state;
	begin(10, 1);
	for (u32 n = 0; n < 9; n++)
		content[n][2] = address((n + 1) % 9);
	content[9][0] = address(9);
	run();
	for (u32 n = 0; n < 9; n++)
		assert_int_equal(leader(n), LOST_BY(0));
	assert_int_equal(leader(9), LOST_BY(9));
	marks_free(&m);
}

static void no_size_and_no_memory(void **state)
{
	u64 last = address(1) + STRIDE;

	(void)state;
	begin(1, 1);
	assert_int_equal(marks_add(&m, address(1), 0, 1), 0);
	assert_int_equal(marks_add(&m, last, 4 * STRIDE, 1), 0); /* never touched */
	assert_int_equal(marks_add(&m, last + STRIDE, 8, 1), -EINVAL);
	roots[0] = address(1);
	roots[1] = last + 3 * STRIDE;
	run();
	assert_int_equal(leader(0), LOST_BY(0));
	assert_int_equal(leader(1), MARK_REACHABLE);
	assert_int_equal(leader(2), MARK_REACHABLE);
	marks_free(&m);
}

static void nothing_at_all(void **state)
{
	struct mark_group *g;

	(void)state;
	begin(0, 1);
	roots[0] = address(0);
	run();
	assert_int_equal(marks_group(&m, false, &g), 0);
	assert_null(g);
	marks_free(&m);
}

static void groups(void **state)
{
	struct mark_group *g;

	(void)state;
	begin(30, 3);
	for (u32 n = 0; n < 10; n++)
		roots[n] = address(n);
	/* Everything that is left of stack 3 is reachable. */
	for (u32 n = 11; n < 30; n += 3)
		content[n - 1][0] = address(n);
	content[11][0] = address(12);
	run();
	assert_int_equal(marks_group(&m, false, &g), 3);
	assert_int_equal(g[0].stack, 2);
	assert_int_equal(g[0].count, 7); /* 10, 13, ... 28 */
	assert_int_equal(g[0].bytes, 7 * 64);
	assert_int_equal(g[0].indirect, 0);
	assert_int_equal(g[0].example, 10);
	assert_int_equal(g[1].stack, 1);
	assert_int_equal(g[1].count, 6); /* 12, 15, ... 27 */
	assert_int_equal(g[1].indirect, 1);
	assert_int_equal(g[1].example, 15);
	assert_int_equal(g[2].stack, 3);
	assert_int_equal(g[2].count, 7);
	assert_int_equal(g[2].indirect_bytes, 7 * 64);
	assert_int_equal(g[2].example, 11);
	free(g);
	assert_int_equal(marks_group(&m, true, &g), 3);
	assert_int_equal(g[0].count, 4);
	assert_int_equal(g[0].stack, 1);
	free(g);
	marks_free(&m);
}

static u64 seed = 1;

static u32 random_below(u32 n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (u32)((seed >> 33) % n);
}

#define MODEL 60

/* to[i] has a bit for each object that i points to. */
static u64 closure(const u64 *to, u64 from)
{
	u64 seen = 0;

	while (from & ~seen) {
		u32 n = (u32)__builtin_ctzl(from & ~seen);

		seen |= 1UL << n;
		from |= to[n];
	}
	return seen;
}

static void as_a_naive_model(void **state)
{
	(void)state;
	for (u32 round = 0; round < 3000; round++) {
		bool acyclic = round & 1;
		u64 to[MODEL] = {0}, rooted = 0, kept;

		begin(MODEL, MODEL);
		for (u32 i = random_below(3 * MODEL); i; i--) {
			u32 a = random_below(MODEL), b = random_below(MODEL);

			/* From high to low addresses, so that leaders have to step down. */
			if (acyclic && a <= b)
				continue;
			content[a][random_below(WORDS)] = address(b) + random_below(64);
		}
		for (u32 a = 0; a < MODEL; a++)
			for (u32 w = 0; w < WORDS; w++)
				if (content[a][w])
					to[a] |= 1UL << number(content[a][w]);
		for (u32 i = random_below(4); i; i--)
			roots[random_below(512)] = address(random_below(MODEL));
		for (u32 i = 0; i < ARRAY_SIZE(roots); i++)
			if (roots[i])
				rooted |= 1UL << number(roots[i]);
		run();
		kept = closure(to, rooted);
		for (u32 n = 0; n < MODEL; n++) {
			u32 by = leader(n) - MARK_LOST;
			u64 lost_by = 0;

			assert_int_equal(leader(n) == MARK_REACHABLE, kept >> n & 1);
			if (kept >> n & 1)
				continue;
			assert_true(by < MODEL);
			assert_int_equal(leader(by), LOST_BY(by));
			assert_true(closure(to, 1UL << by) >> n & 1);
			for (u32 i = 0; i < MODEL; i++)
				if (i != n && !(kept >> i & 1))
					lost_by |= to[i];
			if (acyclic)
				assert_int_equal(by == n, !(lost_by >> n & 1));
		}
		marks_free(&m);
	}
}

static void two_million_objects(void **state)
{
	u32 kept = 0;

	(void)state;
	begin(OBJECTS, 1000);
	/*
	 * The even objects form a tree, which keeps half of them; the odd ones point to anything.
	 */
	for (u32 n = 0; n < OBJECTS; n++) {
		if (n % 2) {
			content[n][0] = address(random_below(OBJECTS));
			continue;
		}
		for (u64 child = 2UL * n + 2; child <= 2UL * n + 4 && child < OBJECTS; child += 2)
			content[n][child % 3] = address((u32)child);
	}
	roots[0] = address(0);
	run();
	for (u32 n = 0; n < OBJECTS; n++) {
		assert_int_equal(leader(n) == MARK_REACHABLE, n % 2 == 0);
		kept += leader(n) == MARK_REACHABLE;
	}
	assert_int_equal(kept, OBJECTS / 2);
	marks_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_and_lost),
		cmocka_unit_test(what_is_an_address),
		cmocka_unit_test(a_chain_is_kept_by_its_head),
		cmocka_unit_test(a_chain_found_from_its_end),
		cmocka_unit_test(a_ring_has_one_leader),
		cmocka_unit_test(no_size_and_no_memory),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(groups),
		cmocka_unit_test(as_a_naive_model),
		cmocka_unit_test(two_million_objects),
	};
	int failed;

	content = calloc(OBJECTS, sizeof(*content));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(content);
	return failed;
}
