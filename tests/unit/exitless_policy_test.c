// SPDX-License-Identifier: MIT
/*
 * Is the worker of exitless calls woken when calls come in numbers, and only then, on
 * hosts where a round trip costs 1 us, and on hosts where it costs 600? (vm/exitless_policy.h)
 * sources: vm/exitless_policy.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "vm/exitless_policy.h"

#define US 2500 /* TSC cycles of a microsecond */

/* The cost of leaving KVM_RUN and entering it again. */
static const struct host {
	const char *name;
	u64 trip_us;
} hosts[] = {{"hardware", 1}, {"host 1", 17}, {"host 2", 58}, {"ten times slower", 580}};

/*
 * A program makes `calls` hostcalls; between their round trips it works for work_us and the host
 * for 1 us. Returns the call after which the worker was woken, or 0.
 */
static u32 woken_after(const struct host *h, u64 work_us, u32 calls)
{
	struct exitless_policy p = {0};
	u64 now = 12345;

	exitless_policy_measure(&p, 50 * h->trip_us * US);
	exitless_policy_measure(&p, h->trip_us * US);
	for (u32 i = 1; i <= calls; i++) {
		now += (work_us + 1) * US;
		exitless_policy_measure(&p, (h->trip_us + work_us) * US);
		now += h->trip_us * US;
		if (exitless_policy_notice(&p, now))
			return i;
	}
	return 0;
}

static void calls_in_numbers_are_exitless(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		u64 trip = hosts[i].trip_us;

		/*
		 * Calls one after another, then with as much of the program's own work as a round
		 * trip costs.
		 */
		assert_in_range(woken_after(&hosts[i], 0, 100), 20, 40);
		assert_in_range(woken_after(&hosts[i], trip, 100), 20, 70);
	}
	/* Reads of one byte on host 2, 86 us each. */
	assert_in_range(woken_after(&hosts[2], 28, 100), 20, 70);
}

static void seldom_calls_are_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		u64 trip = hosts[i].trip_us;

		assert_int_equal(woken_after(&hosts[i], trip * 10, 100000), 0);
		assert_int_equal(woken_after(&hosts[i], trip * 1000, 100000), 0);
		assert_int_equal(woken_after(&hosts[i], 0, 20), 0);
	}
}

/* Nothing is known about the host yet, so nothing is decided. */
static void nothing_measured_wakes_nobody(void **state)
{
	struct exitless_policy p = {0};

	(void)state;
	for (u64 i = 0; i < 1000; i++)
		assert_false(exitless_policy_notice(&p, i));
	assert_int_equal(exitless_policy_idle(&p, 1000), 1000);
}

/*
 * A round trip in which another thread had the CPU does not count, and neither does one of 0
 * cycles.
 */
static void the_least_trip_counts(void **state)
{
	struct exitless_policy p = {0};

	(void)state;
	exitless_policy_measure(&p, 0);
	exitless_policy_measure(&p, 9000);
	exitless_policy_measure(&p, 5000);
	exitless_policy_measure(&p, 0);
	exitless_policy_measure(&p, 70000000);
	assert_int_equal(atomic_load(&p.trip), 5000);
}

/* Rare calls keep the worker awake only for as long as waking it again would cost. */
static void looking_costs_no_more_than_waking(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct exitless_policy p = {0};
		u64 trip = hosts[i].trip_us * US;

		exitless_policy_measure(&p, trip);
		assert_in_range(exitless_policy_idle(&p, 0), 32 * trip, 100 * trip);
		assert_int_equal(exitless_policy_idle(&p, 1000 * trip), 1000 * trip);
	}
}

static void few_calls_are_not_worth_a_crowded_cpu(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct exitless_policy p = {0};
		u64 trip = hosts[i].trip_us * US, period = 64 * trip;

		exitless_policy_measure(&p, trip);
		assert_int_equal(exitless_policy_judge(&p, 10 * trip, 0), EXITLESS_TOO_EARLY);
		assert_int_equal(exitless_policy_judge(&p, period, 3), EXITLESS_NOT_WORTH);
		assert_int_equal(exitless_policy_judge(&p, period, 32), EXITLESS_WORTH);
		/* A period in which other threads had the CPU for long. */
		assert_int_equal(exitless_policy_judge(&p, 10 * period, 32), EXITLESS_NOT_WORTH);
		assert_int_equal(exitless_policy_judge(&p, 10 * period, 320), EXITLESS_WORTH);
	}
}

/* On a host where the worker never pays, finding that out takes a few percent of a CPU. */
static void finding_out_is_cheap(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct exitless_policy p = {0};
		u64 elapsed = 0;

		exitless_policy_measure(&p, hosts[i].trip_us * US);
		while (exitless_policy_judge(&p, elapsed, 0) == EXITLESS_TOO_EARLY)
			elapsed += US;
		assert_true(exitless_policy_rest(&p, 50000UL * US) >= 40 * elapsed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_in_numbers_are_exitless),
		cmocka_unit_test(seldom_calls_are_not),
		cmocka_unit_test(nothing_measured_wakes_nobody),
		cmocka_unit_test(the_least_trip_counts),
		cmocka_unit_test(looking_costs_no_more_than_waking),
		cmocka_unit_test(finding_out_is_cheap),
		cmocka_unit_test(few_calls_are_not_worth_a_crowded_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
