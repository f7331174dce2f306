// SPDX-License-Identifier: MIT
/*
 * Is a core named as core(5) says?
 * sources: kernel/task/core_name.c libc/strlcpy.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/task/core.h"

static bool uses_pid;

static const char *named(const char *pattern, const char *comm)
{
	static char name[64];
	const struct core_names names = {
		.pid = 4711,
		.tid = 4712,
		.uid = 1000,
		.gid = 100,
		.cpu = 3,
		.signal = 11,
		.limit = ~0UL,
		.time = 1700000000,
		.comm = comm,
		.host = "host",
		.exe = "/usr/bin/ls",
		.dumpable = true,
		.uses_pid = uses_pid,
	};

	if (core_name(name, sizeof(name), pattern, &names) < 0)
		return "-";
	return name;
}

static void specifiers_are_replaced(void **state)
{
	(void)state;
	assert_string_equal(named("core", "ls"), "core");
	assert_string_equal(named("core.%p", "ls"), "core.4711");
	assert_string_equal(named("/var/%e/%e-%t.%p", "ls"), "/var/ls/ls-1700000000.4711");
	assert_string_equal(named("100%%", "ls"), "100%");
	assert_string_equal(named("a%hb%", "ls"), "ahostb");
	assert_string_equal(named("%P-%i-%I-%u-%g-%s-%d-%C", "ls"),
			    "4711-4712-4712-1000-100-11-1-3");
	assert_string_equal(named("%c", "ls"), "18446744073709551615");
	assert_string_equal(named("%E.%f", "x"), "!usr!bin!ls.ls");
	assert_string_equal(named("a%Fb%zc", "ls"), "abc"); /* others are left out */
}

static void the_number_may_be_added(void **state)
{
	(void)state;
	uses_pid = true;
	assert_string_equal(named("core", "ls"), "core.4711");
	assert_string_equal(named("core%", "ls"), "core.4711");
	assert_string_equal(named("%p.core", "ls"), "4711.core");
	assert_string_equal(named("core.%P", "ls"), "core.4711.4711");
	uses_pid = false;
}

static void a_command_is_no_directory(void **state)
{
	(void)state;
	assert_string_equal(named("%e", "../../x"), "..!..!x");
	assert_string_equal(named("/a/%e/x", ".."), "/a/!./x");
	assert_string_equal(named("/a/%e/x", "."), "/a/!/x");
	assert_string_equal(named("/a/%e/x", ""), "/a/!/x");
}

static void a_name_that_does_not_fit_is_none(void **state)
{
	char pattern[80];

	(void)state;
	memset(pattern, 'x', sizeof(pattern));
	pattern[63] = '\0';
	assert_string_equal(named(pattern, "ls"), pattern);
	pattern[63] = 'x';
	pattern[64] = '\0';
	assert_string_equal(named(pattern, "ls"), "-");
	strcpy(pattern + 60, "%p");
	assert_string_equal(named(pattern, "ls"), "-");
	assert_string_equal(named("", "ls"), "-");
	assert_string_equal(named("%z", "ls"), "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specifiers_are_replaced),
		cmocka_unit_test(the_number_may_be_added),
		cmocka_unit_test(a_command_is_no_directory),
		cmocka_unit_test(a_name_that_does_not_fit_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
