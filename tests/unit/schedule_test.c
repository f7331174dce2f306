// SPDX-License-Identifier: MIT
/*
 * Is the scheduler fair, and does it find its sleepers? The queue of ready threads and the table of
 * sleepers run random operations beside naive models; then simulated CPUs share time by nice value.
 * sources: kernel/task/runqueue.c kernel/task/parking_lot.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/task/runqueue.h"
#include "kernel/task/parking_lot.h"

#define THREADS 40
#define STEPS	200000

static u64 random_number(void)
{
	static u64 x = 88172645463325252UL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* -- The queue of ready threads --------------------------------------------------------------- */

struct model_thread {
	struct runnable r;
	bool queued;
	u64 vtime, came;
};

/* Finds the thread that the queue has to return, by looking at all of them. */
static struct model_thread *first_of(struct model_thread *t)
{
	struct model_thread *best = NULL;

	for (int i = 0; i < THREADS; i++) {
		if (!t[i].queued)
			continue;
		if (!best || t[i].vtime < best->vtime ||
		    (t[i].vtime == best->vtime && t[i].came < best->came))
			best = &t[i];
	}
	return best;
}

static void queue_agrees_with_the_model(void **state)
{
	static struct model_thread thread[THREADS];
	struct runqueue q = {0};
	u64 floor = 0, came = 0;
	u32 queued = 0;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		struct model_thread *t = &thread[random_number() % THREADS];
		u64 what = random_number() % 8;

		if (what < 3 && !t->queued) {
			t->vtime = MAX(t->vtime, floor - MIN(floor, (u64)RUN_CREDIT_NS));
			t->came = came++;
			t->queued = true;
			queued++;
			run_add(&q, &t->r);
			assert_int_equal(t->r.vtime, t->vtime);
		} else if (what < 6) {
			struct model_thread *first = first_of(thread);
			struct runnable *r = run_take(&q);

			assert_ptr_equal(r, first ? &first->r : NULL);
			if (first) {
				first->queued = false;
				queued--;
				floor = MAX(floor, first->vtime);
			}
		} else if (what == 6 && t->queued) {
			run_remove(&q, &t->r);
			t->queued = false;
			queued--;
		} else if (!t->queued) {
			u64 before = t->vtime;
			s32 nice = (s32)(random_number() % 40) - 20;

			run_charge(&t->r, 1000000, nice);
			t->vtime = t->r.vtime;
			assert_true(nice > 0 ? t->vtime > before + 1000000
				    : nice   ? t->vtime < before + 1000000
					     : t->vtime == before + 1000000);
		}
		assert_int_equal(q.count, queued);
	}
}

/* Two CPUs with slices of a millisecond: each thread's share follows its weight. */
static void time_is_shared_by_nice_value(void **state)
{
	static const s32 nice[] = {0, 0, 0, 5, 5, -5};
	struct runnable thread[ARRAY_SIZE(nice)] = {0};
	u64 got[ARRAY_SIZE(nice)] = {0};
	struct runqueue q = {0};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(nice); i++)
		run_add(&q, &thread[i]);
	for (int step = 0; step < STEPS; step++) {
		struct runnable *on[2] = {run_take(&q), run_take(&q)};

		for (int cpu = 0; cpu < 2; cpu++) {
			long i = on[cpu] - thread;

			got[i]++;
			run_charge(on[cpu], 1000000, nice[i]);
			run_add(&q, on[cpu]);
		}
	}
	for (unsigned i = 1; i < 3; i++)
		assert_in_range(got[i] * 100 / got[0], 98, 102);
	/* A step is a factor of 5/4; five of them are 3.05. */
	assert_in_range(got[0] * 100 / got[3], 290, 320);
	assert_in_range(got[5] * 100 / got[0], 290, 320);
}

/* A thread that slept for long goes before those that ran, but only for a moment. */
static void sleep_is_no_credit(void **state)
{
	struct runnable hog = {0}, sleeper = {0};
	struct runqueue q = {0};
	u64 slept = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		run_charge(&hog, 1000000, 0);
		run_add(&q, &hog);
		assert_ptr_equal(run_take(&q), &hog);
	}
	run_add(&q, &hog);
	run_add(&q, &sleeper);
	assert_ptr_equal(run_take(&q), &sleeper);
	for (;;) {
		run_charge(&sleeper, 1000000, 0);
		run_add(&q, &sleeper);
		if (run_take(&q) == &hog)
			break;
		slept++;
	}
	assert_in_range(slept, 0, RUN_CREDIT_NS / 1000000);
}

static void who_yields_is_behind_all(void **state)
{
	struct runnable thread[5] = {0}, self = {0};
	struct runqueue q = {0};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(thread); i++) {
		run_charge(&thread[i], i * 1000000, 0);
		run_add(&q, &thread[i]);
	}
	run_yield(&q, &self);
	run_add(&q, &self);
	for (unsigned i = 0; i < ARRAY_SIZE(thread); i++)
		assert_ptr_equal(run_take(&q), &thread[i]);
	assert_ptr_equal(run_take(&q), &self);
	assert_null(run_take(&q));
}

/* -- Sleepers --------------------------------------------------------------------------------- */

struct model_sleeper {
	struct parked s;
	bool sleeps;
	u64 came;
};

static void parked_ones_agree_with_the_model(void **state)
{
	static struct model_sleeper all[THREADS];
	static struct parking_lot table;
	static u32 words[8 * 64]; /* some in the same list, some not */
	u64 now = 1, came = 0;

	(void)state;
	lot_init(&table);
	for (int step = 0; step < STEPS; step++) {
		struct model_sleeper *m = &all[random_number() % THREADS], *found = NULL;
		const u32 *word = &words[random_number() % 8 * 64];
		u64 first = PARK_NO_DEADLINE;

		switch (random_number() % 4) {
		case 0:
			if (m->sleeps)
				break;
			m->sleeps = true;
			m->came = came++;
			lot_add(&table, &m->s, word,
				random_number() % 2 ? PARK_NO_DEADLINE
						    : now + random_number() % 100);
			break;
		case 1:
			if (m->sleeps)
				lot_remove(&table, &m->s);
			m->sleeps = false;
			break;
		case 2:
			for (int i = 0; i < THREADS; i++)
				if (all[i].sleeps && all[i].s.word == word &&
				    (!found || all[i].came < found->came))
					found = &all[i];
			assert_ptr_equal(lot_on(&table, word), found ? &found->s : NULL);
			break;
		default:
			now += random_number() % 20;
			for (int i = 0; i < THREADS; i++)
				if (all[i].sleeps && all[i].s.deadline <= now &&
				    (!found || all[i].s.deadline < found->s.deadline ||
				     (all[i].s.deadline == found->s.deadline &&
				      all[i].came < found->came)))
					found = &all[i];
			assert_ptr_equal(lot_due(&table, now), found ? &found->s : NULL);
			if (found) {
				lot_remove(&table, &found->s);
				found->sleeps = false;
			}
		}
		for (int i = 0; i < THREADS; i++)
			if (all[i].sleeps)
				first = MIN(first, all[i].s.deadline);
		assert_true(table.first_deadline == first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_agrees_with_the_model),
		cmocka_unit_test(time_is_shared_by_nice_value),
		cmocka_unit_test(sleep_is_no_credit),
		cmocka_unit_test(who_yields_is_behind_all),
		cmocka_unit_test(parked_ones_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
