// SPDX-License-Identifier: MIT
/*
 * Does the automatic level of check guard the same objects on hosts where one costs 1 us and where
 * it costs 400, and does it leave a program most of the time on each? (check/preload/credit.h)
 * sources: check/preload/credit.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "check/preload/credit.h"

#define US 2500 /* TSC cycles of a microsecond */

/* The cost of making an object at page level. */
static const struct host {
	const char *name;
	u64 object_us;
} hosts[] = {{"hardware", 1}, {"host 1", 40}, {"host 2", 65}, {"ten times slower", 650}};

/*
 * For a program that allocates at once: how many objects are guarded before `left` is below want.
 * spent: what other processes of the sandbox have spent before.
 */
static u32 guarded(const struct host *h, enum chk_credit_left want, u64 spent)
{
	struct chk_credit c = {.tree.spent = spent};
	u32 n = 0;

	while (credit_left(&c, c.tree.spent) >= want && n < 1000000) {
		/* Some objects have more pages, or are made while another program takes the CPU. */
		u64 took = h->object_us * US * (n % 50 == 49 ? 3 : 1);

		credit_spend(&c, CHK_COST_OBJECT, took, 1);
		n++;
	}
	return n;
}

static void objects_to_begin_with_are_guarded_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		u32 enough = guarded(&hosts[i], CREDIT_ENOUGH, 0);
		u32 first = guarded(&hosts[i], CREDIT_FIRST, 0);

		assert_in_range(enough, 900, 50000);
		assert_in_range(first, enough * 3 / 2, enough * 3);
	}
}

/* Two processes of a sandbox guard together about what one of them would guard alone. */
static void processes_have_one_sum(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		u32 alone = guarded(&hosts[i], CREDIT_ENOUGH, 0);
		struct chk_credit a = {0}, b = {0};
		u32 n = 0;

		for (; credit_left(&a, 0) == CREDIT_ENOUGH; n++) {
			struct chk_credit *c = n % 2 ? &a : &b;

			credit_spend(c, CHK_COST_OBJECT, hosts[i].object_us * US, 1);
			if (!credit_is_to_be_told(c))
				continue;
			/* What the kernel does, for both at once. */
			a.tree.spent += b.untold;
			b.tree.spent = a.tree.spent;
			a.untold = b.untold = 0;
		}
		assert_in_range(n, alone * 8 / 10, alone * 12 / 10);
	}
}

/* Edge objects: half of the objects before the ten thousandth are guarded, however dear. */
static void random_objects_are_a_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct chk_credit c = {0};
		u64 now = 0;
		u32 n = 0;

		for (; n < 100000 && credit_left(&c, now) >= CREDIT_RANDOM; n++) {
			u64 busy = n % 10 ? 1 : 20; /* the host runs something else */

			credit_spend(&c, CHK_COST_ALIAS, hosts[i].object_us * US / 10, 1);
			credit_spend(&c, CHK_COST_END, busy * hosts[i].object_us * US / 2, 1);
		}
		assert_in_range(n, 8700, 100000);
	}
}

/* In the long run a twentieth of the time is spent, apart from what there was at first. */
static void a_program_keeps_its_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct chk_credit c = {0};
		u64 object = hosts[i].object_us * US, now = 0, guard = 0;

		/*
		 * The time of up to 100,000 objects, for a program that wants as many as it can
		 * get.
		 */
		while (now < 100000 * object + 100000UL * US * 100) {
			now += 10 * US;
			if (credit_left(&c, now) != CREDIT_ENOUGH)
				continue;
			now += object;
			guard += object;
			credit_spend(&c, CHK_COST_OBJECT, object, 1);
		}
		assert_in_range(guard * 100 / (now + 1), 2, 7);
	}
}

/* Another program had the CPU for a second: that was not the guard's cost. */
static void an_absence_is_not_a_cost(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct chk_credit c = {0};

		credit_spend(&c, CHK_COST_OBJECT, hosts[i].object_us * US, 1);
		credit_spend(&c, CHK_COST_OBJECT, 1000000UL * US, 1);
		credit_spend(&c, CHK_COST_FREE, 1000000UL * US, 1);
		assert_int_equal(credit_left(&c, 0), CREDIT_ENOUGH);
	}
}

/* The absence falls into the first object. */
static void a_first_object_that_took_long_is_forgotten(void **state)
{
	struct chk_credit c = {0};

	(void)state;
	credit_spend(&c, CHK_COST_OBJECT, 1000000UL * US, 1);
	credit_spend(&c, CHK_COST_OBJECT, 40 * US, 1);
	assert_int_equal(c.tree.least[CHK_COST_OBJECT], 40 * US);
	assert_int_equal(credit_left(&c, 0), CREDIT_ENOUGH);
}

/* An alias that ends among many costs little; that must not make one that ends alone cheap. */
static void batches_count_apart(void **state)
{
	struct chk_credit c = {0};

	(void)state;
	credit_spend(&c, CHK_COST_BATCH, 500 * US, 500);
	credit_spend(&c, CHK_COST_END, 16 * US, 1);
	assert_in_range(c.tree.spent, 516 * US, 1000 * US);
	assert_int_equal(c.tree.spent, c.untold);
}

static void batches_wait_where_they_are_dear(void **state)
{
	(void)state;
	assert_false(credit_batch_is_due(1000 * US, 100 * US));
	assert_true(credit_batch_is_due(2000 * US, 100 * US));
	assert_false(credit_batch_is_due(2000 * US, 1000 * US));
	assert_true(credit_batch_is_due(20000 * US, 1000 * US));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_to_begin_with_are_guarded_everywhere),
		cmocka_unit_test(processes_have_one_sum),
		cmocka_unit_test(random_objects_are_a_number),
		cmocka_unit_test(a_program_keeps_its_time),
		cmocka_unit_test(an_absence_is_not_a_cost),
		cmocka_unit_test(a_first_object_that_took_long_is_forgotten),
		cmocka_unit_test(batches_count_apart),
		cmocka_unit_test(batches_wait_where_they_are_dear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
