// SPDX-License-Identifier: MIT
/*
 * Does the Linux module plan exactly the calls that it may serve, and does it leave every frame
 * that is not wholly valid to the monitor?
 *
 * sources: host_kernel/plan.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/hostcall.h"
#include "host_kernel/plan.h"

#define AREA(offset, len) ((u64)(offset) << 32 | (u32)(len))
#define DATA		  HOSTCALL_DATA_OFFSET
#define ONE		  AREA(DATA, sizeof(struct hostcall_seg))

static struct plan plan(u32 nr, u64 a, u64 b, u64 c, u64 d)
{
	const struct hostcall_frame frame = {.nr = nr, .arg = {a, b, c, d}};

	return plan_call(&frame);
}

static enum plan_op op(u32 nr, u64 a, u64 b, u64 c, u64 d)
{
	return plan(nr, a, b, c, d).op;
}

static void valid_calls_are_planned(void **state)
{
	struct plan p = plan(HC_preadv2, 7, AREA(DATA + 16, 3 * sizeof(struct hostcall_seg)), 5, 0);

	(void)state;
	assert_int_equal(p.op, PLAN_READ);
	assert_int_equal(p.handle, 7);
	assert_int_equal(p.buffer, DATA + 16);
	assert_int_equal(p.segs, 3);
	assert_int_equal(p.offset, 5);
	p = plan(HC_writev, HANDLE_MAX - 1, ONE, ~0UL, ~0UL);
	assert_int_equal(p.op, PLAN_WRITE);
	assert_true(p.offset == PLAN_AT_POSITION);
	assert_int_equal(op(HC_readv, 0, ONE, 0, 0), PLAN_READ);
	assert_int_equal(op(HC_pwritev2, 0, ONE, INT64_MAX, 0), PLAN_WRITE);
	assert_true(plan(HC_pwritev2, 0, ONE, ~0UL, 0).offset == PLAN_AT_POSITION);
	p = plan(HC_lseek, 3, (u64)-5, 2, 0);
	assert_int_equal(p.op, PLAN_SEEK);
	assert_int_equal(p.offset, -5);
	assert_int_equal(p.whence, 2);
	assert_int_equal(op(HC_fstat, 3, AREA(DATA, PLAN_STAT_SIZE), 0, 0), PLAN_STAT);
	assert_int_equal(op(HC_clock_gettime, 1, AREA(DATA, PLAN_TIMESPEC_SIZE), 0, 0), PLAN_CLOCK);
	assert_int_equal(op(HC_getrandom, ONE, 0, 0, 0), PLAN_RANDOM);
	assert_int_equal(op(HC_sched_yield, ~0UL, ~0UL, ~0UL, ~0UL), PLAN_YIELD);
	p = plan(HC_wake, 0x100000004, 3, 0, 0);
	assert_int_equal(p.op, PLAN_WAKE);
	assert_true(p.word == 0x100000004);
	assert_int_equal(p.count, 3);
	assert_int_equal(plan(HC_wake, 0, ~0UL, 0, 0).count, INT32_MAX);
	for (u64 odd = 1; odd < 4; odd++)
		assert_int_equal(op(HC_wake, 0x100000000 + odd, 1, 0, 0), PLAN_NONE);
}

/* Each buffer at the edges of the area, and lengths that are no whole number of segments. */
static void buffers_outside_the_area_are_refused(void **state)
{
	static const u64 bad[] = {
		0,
		AREA(0, 16),
		AREA(DATA - 1, 16),
		AREA(DATA, 0),
		AREA(DATA, 15),
		AREA(DATA, 17),
		AREA(HOSTCALL_AREA_SIZE - 8, 16),
		AREA(HOSTCALL_AREA_SIZE, 16),
		AREA(HOSTCALL_AREA_SIZE + 16, 16),
		AREA(UINT32_MAX, 16),
		AREA(UINT32_MAX - 15, 16),
		AREA(DATA, UINT32_MAX),
		AREA(DATA, UINT32_MAX - 15),
		AREA(DATA, (HOST_KERNEL_SEGS + 1) * sizeof(struct hostcall_seg)),
		AREA(DATA, 1024 * sizeof(struct hostcall_seg)),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(op(HC_readv, 1, bad[i], 0, 0), PLAN_NONE);
		assert_int_equal(op(HC_pwritev2, 1, bad[i], 0, 0), PLAN_NONE);
		assert_int_equal(op(HC_getrandom, bad[i], 0, 0, 0), PLAN_NONE);
		assert_int_equal(op(HC_fstat, 1, bad[i], 0, 0), PLAN_NONE);
	}
	assert_int_equal(op(HC_readv, 1, AREA(HOSTCALL_AREA_SIZE - 16, 16), 0, 0), PLAN_READ);
	assert_int_equal(op(HC_readv, 1, AREA(DATA, HOST_KERNEL_SEGS * 16), 0, 0), PLAN_READ);
	assert_int_equal(op(HC_fstat, 1, AREA(HOSTCALL_AREA_SIZE - 143, 144), 0, 0), PLAN_NONE);
	assert_int_equal(op(HC_clock_gettime, 1, AREA(DATA, 15), 0, 0), PLAN_NONE);
}

static void numbers_beyond_their_range_are_refused(void **state)
{
	static const u64 bad[] = {HANDLE_MAX, UINT32_MAX, 1UL << 32, (1UL << 32) + 1, ~0UL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(op(HC_readv, bad[i], ONE, 0, 0), PLAN_NONE);
		assert_int_equal(op(HC_lseek, bad[i], 0, 0, 0), PLAN_NONE);
		assert_int_equal(op(HC_fstat, bad[i], AREA(DATA, PLAN_STAT_SIZE), 0, 0), PLAN_NONE);
		assert_int_equal(op(HC_clock_gettime, bad[i], AREA(DATA, 16), 0, 0), PLAN_NONE);
		assert_int_equal(op(HC_lseek, 1, 0, bad[i], 0), PLAN_NONE);
		assert_int_equal(op(HC_preadv2, 1, ONE, 0, bad[i]), PLAN_NONE);
		assert_int_equal(op(HC_getrandom, ONE, bad[i], 0, 0), PLAN_NONE);
	}
	assert_int_equal(op(HC_lseek, 1, 0, 3, 0), PLAN_NONE); /* SEEK_DATA */
	assert_int_equal(op(HC_preadv2, 1, ONE, 1UL << 63, 0), PLAN_NONE);
	assert_int_equal(op(HC_preadv2, 1, ONE, ~1UL, 0), PLAN_NONE);
}

/* Only the calls of the table that both sides share are planned, and none that wakes a sleeper. */
static void other_calls_are_the_monitors(void **state)
{
	static const bool served[HC_MAX + 1] = {
#define X(name) [HC_##name] = true,
		HOSTCALL_SERVED(X)
#undef X
	};
	struct hostcall_frame frame = {.nr = HC_sched_yield, .wakes = 1};

	(void)state;
	assert_int_equal(plan_call(&frame).op, PLAN_NONE);
	for (u32 nr = 0; nr < 70000; nr++)
		if (nr > HC_MAX || !served[nr])
			assert_int_equal(op(nr, 1, ONE, 0, 0), PLAN_NONE);
	assert_int_equal(op(UINT32_MAX, 1, ONE, 0, 0), PLAN_NONE);
}

static void segments_lie_in_the_ram(void **state)
{
	const struct host_kernel_ram ram = {
		.gpa = 0x100000, .size = 0x2000, .host = 0x700000000000};
	static const struct {
		u64 gpa, len, host;
	} rows[] = {
		{0x100000, 0x2000, 0x700000000000},
		{0x101fff, 1, 0x700000001fff},
		{0x101fff, 0, 0x700000001fff},
		{0x102000, 0, 0},
		{0x102000, 1, 0},
		{0x101fff, 2, 0},
		{0x0fffff, 1, 0},
		{0x0fffff, 2, 0},
		{0, 0x200000, 0},
		{0x100000, 0x2001, 0},
		{0x100001, ~0UL, 0},
		{0x100001, ~0UL - 0x100000, 0},
		{~0UL, 1, 0},
		{~0UL, 0x100002, 0},
		{0x700000000000, 16, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct hostcall_seg seg = {rows[i].gpa, rows[i].len};

		assert_true(plan_segment(&ram, &seg) == rows[i].host);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_calls_are_planned),
		cmocka_unit_test(buffers_outside_the_area_are_refused),
		cmocka_unit_test(numbers_beyond_their_range_are_refused),
		cmocka_unit_test(other_calls_are_the_monitors),
		cmocka_unit_test(segments_lie_in_the_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
