// SPDX-License-Identifier: MIT
/*
 * Are paths that lead to the kernel's own /proc told from those that do not? A miss would show the
 * program the monitor; a false alarm costs a hostcall or, worse, the host's file.
 * sources: kernel/fs/path.c libc/strlcpy.c
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/fs/path.h"

static void normal_form_is_lexical(void **state)
{
	static const struct {
		const char *base, *path, *want;
	} row[] = {
		{"/", "", "/"},
		{"/", ".", "/"},
		{"/", "..", "/"},
		{"", "/", "/"},
		{"", "//proc///self//", "/proc/self"},
		{"/a/b", "c", "/a/b/c"},
		{"/a/b", "/c", "/c"},
		{"/a/b", "../c", "/a/c"},
		{"/a/b", "../../../../c", "/c"},
		{"/a/b", "./././c/.", "/a/b/c"},
		{"/a", "...", "/a/..."},
		{"/a", "..b/.c", "/a/..b/.c"},
		{"/home", "../proc/./self/../self/maps", "/proc/self/maps"},
		{"/proc/self", "../../proc/self/fd/3", "/proc/self/fd/3"},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		s64 n = path_normalise(out, sizeof(out), row[i].base, row[i].path);

		assert_string_equal(out, row[i].want);
		assert_int_equal(n, strlen(row[i].want));
	}
}

static void what_does_not_fit_is_too_long(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(path_normalise(out, sizeof(out), "", "/123456"), 7);
	assert_int_equal(path_normalise(out, sizeof(out), "", "/1234567"), -ENAMETOOLONG);
	assert_int_equal(path_normalise(out, sizeof(out), "/1234", "567"), -ENAMETOOLONG);
	assert_int_equal(path_normalise(out, 1, "", "/"), -ENAMETOOLONG);
}

/* Random paths made of the components that matter, compared with a list of components. */
static void normal_form_agrees_with_a_model(void **state)
{
	static const char *const part[] = {"..", ".", "", "proc", "self", "...", "a"};

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		const char *list[16];
		char path[128] = "", want[128] = "", out[128];
		int count = 0;

		for (int i = random() % 14; i >= 0; i--) {
			const char *p = part[random() % ARRAY_SIZE(part)];

			strcat(strcat(path, "/"), p);
			if (!strcmp(p, ".."))
				count -= count > 0;
			else if (*p && strcmp(p, "."))
				list[count++] = p;
		}
		for (int i = 0; i < count; i++)
			strcat(strcat(want, "/"), list[i]);
		if (!count)
			strcpy(want, "/");
		assert_true(path_normalise(out, sizeof(out), "/base", path) > 0);
		assert_string_equal(out, want);
	}
}

static void no_path_to_our_names_is_plain(void **state)
{
	static const char *const ours[] = {
		"/proc",       "/proc/self/maps", "proc",
		"proc/self",   "../proc/self",	  "//proc//self",
		"/dev/fd/3",   "/dev/stdin",	  "dev/stdout",
		"./../dev/fd", "a/../../proc/1/", "fd/0",
		"stderr",      "self/maps",	  "thread-self",
	};
	static const char *const hosts[] = {
		"/etc/passwd", "/usr/lib/libproc2.so", "processes", "/home/devel/x", "a/b/c", "",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		assert_false(path_is_plain(ours[i]));
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_true(path_is_plain(hosts[i]));
}

static void below_means_whole_parts(void **state)
{
	(void)state;
	assert_string_equal(path_below("/proc", "/proc"), "");
	assert_string_equal(path_below("/proc/self", "/proc"), "/self");
	assert_null(path_below("/process", "/proc"));
	assert_null(path_below("/pro", "/proc"));
}

static void a_slash_or_a_dot_at_the_end_follows(void **state)
{
	(void)state;
	assert_true(path_ends_in_directory("/proc/self/"));
	assert_true(path_ends_in_directory("/proc/self/."));
	assert_true(path_ends_in_directory(".."));
	assert_false(path_ends_in_directory("/proc/self"));
	assert_false(path_ends_in_directory("/a/..."));
	assert_false(path_ends_in_directory("a"));
	assert_false(path_ends_in_directory(""));
}

static void links_in_dev_lead_to_proc(void **state)
{
	char path[32];

	(void)state;
	strcpy(path, "/dev/fd/17");
	path_replace_alias(path, sizeof(path), false);
	assert_string_equal(path, "/proc/self/fd/17");
	strcpy(path, "/dev/stdin");
	path_replace_alias(path, sizeof(path), false);
	assert_string_equal(path, "/dev/stdin");
	path_replace_alias(path, sizeof(path), true);
	assert_string_equal(path, "/proc/self/fd/0");
	strcpy(path, "/dev/fdx");
	path_replace_alias(path, sizeof(path), true);
	assert_string_equal(path, "/dev/fdx");
	/* No room: the path stays as it was. */
	strcpy(path, "/dev/fd/2222222222222222222222");
	path_replace_alias(path, sizeof(path), true);
	assert_string_equal(path, "/dev/fd/2222222222222222222222");
}

static void numbers_are_plain_decimals(void **state)
{
	static const struct {
		const char *text;
		s32 want;
	} row[] = {
		{"0", 0},   {"1", 1},		{"4194304", 4194304}, {"2147483647", INT_MAX},
		{"", -1},   {"01", -1},		{"-1", -1},	      {"+1", -1},
		{"1a", -1}, {"2147483648", -1}, {"99999999999", -1},  {"self", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(path_number(row[i].text, strlen(row[i].text)), row[i].want);
	assert_int_equal(path_number("12/maps", 2), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_form_is_lexical),
		cmocka_unit_test(what_does_not_fit_is_too_long),
		cmocka_unit_test(normal_form_agrees_with_a_model),
		cmocka_unit_test(no_path_to_our_names_is_plain),
		cmocka_unit_test(below_means_whole_parts),
		cmocka_unit_test(a_slash_or_a_dot_at_the_end_follows),
		cmocka_unit_test(links_in_dev_lead_to_proc),
		cmocka_unit_test(numbers_are_plain_decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
