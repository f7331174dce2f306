// SPDX-License-Identifier: MIT
/*
 * Does the predictor say what was asked before in the same place, and end where a run ended? And
 * does it stay in its memory whatever it learns?
 * sources: kernel/fs/predict.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/fs/predict.h"

#define GUESSES 32

static struct predictor *p;

static int set_up(void **state)
{
	(void)state;
	p = calloc(1, sizeof(*p));
	return p ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(p);
	return 0;
}

/* Returns the predictions as "1/a 1/b". Kinds are digits here. */
static char guessed[GUESSES * (PREDICT_PATH + 3)];
static u32 guesses;

static bool take(void *arg, u8 kind, const char *path)
{
	assert_ptr_equal(arg, p);
	assert_true(strlen(path) < PREDICT_PATH);
	sprintf(guessed + strlen(guessed), "%s%u%s", guesses ? " " : "", kind, path);
	return ++guesses < GUESSES;
}

static const char *next(const struct predict_walk *w, u32 max, u32 max_vague)
{
	guessed[0] = '\0';
	guesses = 0;
	predict_next(p, w, max, max_vague, take, p);
	return guessed;
}

/* Makes a run of lookups of kind 1, one letter each. */
static void run(struct predict_walk *w, const char *letters)
{
	for (; *letters; letters++)
		predict_ask(p, w, 1, (char[]){'/', *letters, '\0'});
	predict_end(p, w);
}

static void nothing_is_known_at_first(void **state)
{
	struct predict_walk w = {0};

	(void)state;
	assert_string_equal(next(&w, 9, 9), "");
	predict_ask(p, &w, 1, "/a");
	assert_string_equal(next(&w, 9, 9), "");
}

static void a_run_is_known_the_second_time(void **state)
{
	struct predict_walk w = {0}, again = {0};

	(void)state;
	run(&w, "abc");
	predict_ask(p, &again, 1, "/a");
	assert_string_equal(next(&again, 9, 9), "1/b 1/c");
	assert_string_equal(next(&again, 1, 9), "1/b");
	assert_string_equal(next(&again, 0, 9), "");
	/* Not after a lookup of another kind. */
	again = (struct predict_walk){0};
	predict_ask(p, &again, 2, "/a");
	assert_string_equal(next(&again, 9, 9), "");
}

static void what_came_before_decides(void **state)
{
	struct predict_walk w = {0};

	(void)state;
	/* Two directories with different files, whose runs begin alike. */
	run(&w, "abx");
	run(&w, "aby");
	run(&w, "z");
	w = (struct predict_walk){0};
	predict_ask(p, &w, 1, "/a");
	assert_string_equal(next(&w, 9, 9), "1/b 1/x");
	predict_ask(p, &w, 1, "/b");
	predict_ask(p, &w, 1, "/x");
	assert_string_equal(next(&w, 9, 9), "");
	predict_end(p, &w);
	predict_ask(p, &w, 1, "/a");
	assert_string_equal(next(&w, 9, 9), "1/b 1/y");
	/* Only the last two lookups match: the newest run is predicted, and few of its lookups. */
	w = (struct predict_walk){0};
	run(&w, "q");
	predict_ask(p, &w, 1, "/a");
	assert_string_equal(next(&w, 9, 9), "1/b 1/x");
	assert_string_equal(next(&w, 9, 1), "1/b");
	assert_string_equal(next(&w, 9, 0), "");
}

static void a_start_is_known_where_it_was(void **state)
{
	struct predict_walk w = {0};

	(void)state;
	run(&w, "ab");
	predict_end(p, &w);
	predict_end(p, &w);
	run(&w, "cd");
	w = (struct predict_walk){0};
	assert_string_equal(next(&w, 9, 9), "1/a 1/b");
	run(&w, "ab");
	assert_string_equal(next(&w, 9, 9), "");
	predict_end(p, &w);
	assert_string_equal(next(&w, 9, 9), "");
	predict_end(p, &w);
	assert_string_equal(next(&w, 9, 9), "1/c 1/d");
	assert_string_equal(next(&w, 1, 1), "1/c");
	/* Not after another run. */
	w = (struct predict_walk){0};
	run(&w, "ax");
	predict_end(p, &w);
	predict_end(p, &w);
	assert_string_equal(next(&w, 9, 9), "");
}

static void what_changed_is_learned_anew(void **state)
{
	struct predict_walk w = {0};

	(void)state;
	run(&w, "ab");
	w = (struct predict_walk){0};
	run(&w, "ac");
	w = (struct predict_walk){0};
	predict_ask(p, &w, 1, "/a");
	assert_string_equal(next(&w, 9, 9), "1/c");
	predict_end(p, &w);
	w = (struct predict_walk){0};
	predict_ask(p, &w, 1, "/a");
	assert_string_equal(next(&w, 9, 9), "");
}

static void nobody_has_to_learn(void **state)
{
	struct predict_walk w = {0}, same = {0};

	(void)state;
	run(&w, "abc");
	w = (struct predict_walk){0};
	/* While the table is locked, the walk goes on. */
	predict_ask(NULL, &same, 1, "/a");
	predict_ask(NULL, &same, 1, "/b");
	assert_string_equal(next(&same, 9, 9), "1/c");
	predict_ask(NULL, &same, 1, "/d");
	predict_end(NULL, &same);
	assert_false(same.in_run);
	predict_ask(p, &w, 1, "/a");
	predict_ask(p, &w, 1, "/b");
	assert_string_equal(next(&w, 9, 9), "1/c");
}

static void a_long_path_is_not_predicted(void **state)
{
	char path[PREDICT_PATH + 1];

	(void)state;
	memset(path, 'x', sizeof(path));
	for (u32 len = PREDICT_PATH - 1; len <= PREDICT_PATH; len++) {
		struct predict_walk w = {0};

		path[len] = '\0';
		predict_ask(p, &w, 3, "/a");
		predict_ask(p, &w, 3, path);
		predict_ask(p, &w, 3, "/c");
		predict_end(p, &w);
		w = (struct predict_walk){0};
		predict_ask(p, &w, 3, "/a");
		next(&w, 9, 9);
		assert_int_equal(guesses, len < PREDICT_PATH ? 2 : 0);
		path[len] = 'x';
		memset(p, 0, sizeof(*p));
	}
}

static void limits_are_kept(void **state)
{
	struct predict_walk w = {0};

	(void)state;
	for (u32 i = 0; i < 2 * GUESSES; i++)
		predict_ask(p, &w, 1, (char[]){'/', (char)('0' + i), '\0'});
	predict_end(p, &w);
	w = (struct predict_walk){0};
	predict_ask(p, &w, 1, "/0");
	assert_string_equal(next(&w, 3, 1), "1/1 1/2 1/3");
	/* Before that, take() has enough. */
	next(&w, 2 * GUESSES, 1);
	assert_int_equal(guesses, GUESSES);
	/* The run is known again after a vague step, but still vaguely. */
	predict_ask(p, &w, 1, "/x");
	predict_end(p, &w);
	predict_ask(p, &w, 1, "/5");
	assert_string_equal(next(&w, 9, 2), "1/6 1/7");
	assert_string_equal(next(&w, 2, 9), "1/6 1/7");
}

/*
 * More than the table holds: each prediction was a real lookup once, and late ones are still known.
 */
static void the_table_forgets_the_oldest(void **state)
{
	struct predict_walk w = {0};
	char path[64];

	(void)state;
	for (u32 i = 0; i < 10 * PREDICT_NAMES; i++) {
		sprintf(path, "/some/where/%u", i);
		predict_ask(p, &w, (u8)(i % 3), path);
		if (i % 7 == 6)
			predict_end(p, &w);
	}
	predict_end(p, &w);
	w = (struct predict_walk){0};
	for (u32 i = 10 * PREDICT_NAMES - 6; i < 10 * PREDICT_NAMES; i++) {
		sprintf(path, "/some/where/%u", i);
		predict_ask(NULL, &w, (u8)(i % 3), path);
		next(&w, 9, 9);
		for (char *g = strtok(guessed, " "); g; g = strtok(NULL, " ")) {
			u32 number;

			assert_int_equal(sscanf(g + 1, "/some/where/%u", &number), 1);
			assert_true(number < 10 * PREDICT_NAMES);
			assert_int_equal(g[0] - '0', number % 3);
		}
	}
	run(&w, "ab");
	w = (struct predict_walk){0};
	predict_ask(p, &w, 1, "/a");
	assert_string_equal(next(&w, 9, 9), "1/b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_known_at_first),    TEST(a_run_is_known_the_second_time),
		TEST(what_came_before_decides),	    TEST(a_start_is_known_where_it_was),
		TEST(what_changed_is_learned_anew), TEST(nobody_has_to_learn),
		TEST(a_long_path_is_not_predicted), TEST(limits_are_kept),
		TEST(the_table_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
