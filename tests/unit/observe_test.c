// SPDX-License-Identifier: MIT
/*
 * Does --trace-filter mean the calls that strace's classes have, and do suggestions find the word
 * that was meant, and none where nothing is near?
 *
 * sources: vm/suggest.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "vm/observe/trace_filter.c"
#include "vm/suggest.h"

static u64 calls[BOOT_TRACE_CALLS / 64];

static const char *filter(const char *list)
{
	memset(calls, 0, sizeof(calls));
	return trace_filter(list, calls);
}

static bool has(u64 nr)
{
	return calls[nr / 64] & 1UL << nr % 64;
}

static void names_and_classes(void **state)
{
	(void)state;
	assert_null(filter("read"));
	assert_true(has(SYS_read) && !has(SYS_readv) && !has(SYS_write));
	assert_null(filter("file"));
	assert_true(has(SYS_openat) && has(SYS_execve) && has(SYS_rename) && has(SYS_getcwd));
	assert_false(has(SYS_read) || has(SYS_fsetxattr) || has(SYS_memfd_create));
	assert_false(has(500)); /* a number without a name is of no class */
	assert_null(filter("desc"));
	assert_true(has(SYS_read) && has(SYS_openat) && has(SYS_mmap) && has(SYS_poll));
	assert_false(has(SYS_rename) || has(SYS_getpid));
	assert_null(filter("network,%signal"));
	assert_true(has(SYS_connect) && has(SYS_rt_sigaction) && has(SYS_kill));
	assert_false(has(SYS_openat) || has(SYS_fork));
	assert_null(filter("process,memory,ipc,creds,clock"));
	assert_true(has(SYS_clone3) && has(SYS_brk) && has(SYS_semop) && has(SYS_getuid));
}

/* A misspelt name in a list would be left out in silence. */
static void every_name_of_a_list_is_a_call(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++) {
		char list[1024];

		snprintf(list, sizeof(list), "%s", classes[i].calls ? classes[i].calls : "");
		for (char *name = strtok(list, " "); name; name = strtok(NULL, " "))
			if (filter(name))
				fail_msg("%s of %s is no system call", name, classes[i].name);
	}
}

static void all_is_every_call(void **state)
{
	(void)state;
	assert_null(filter("all"));
	for (u64 nr = 0; nr < BOOT_TRACE_CALLS; nr++)
		assert_true(has(nr));
}

static void exceptions(void **state)
{
	(void)state;
	assert_null(filter("!read,!write"));
	assert_true(!has(SYS_read) && !has(SYS_write) && has(SYS_close));
	assert_null(filter("file,!openat"));
	assert_true(has(SYS_stat) && !has(SYS_openat) && !has(SYS_close));
	/* A number without a name is traced unless a list leaves it out. */
	assert_null(filter("!read"));
	assert_true(has(500));
}

static void unknown_words(void **state)
{
	(void)state;
	assert_string_equal(filter("file,fiel"), "\"fiel\"");
	assert_string_equal(filter(""), "\"\"");
	assert_string_equal(filter("read,"), "\"\"");
	assert_string_equal(filter("!"), "\"!\"");
	assert_string_equal(filter("%read,net"), "\"net\"");
	assert_non_null(
		filter("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
}

static const char *nearest(const char *wrong)
{
	static const char *const words[] = {"trace", "trace-filter", "stats",
					    "mem",   "check",	     "run"};
	struct suggestion s = {.wrong = wrong};

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		suggest_add(&s, words[i]);
	return s.best;
}

static void suggestions(void **state)
{
	(void)state;
	assert_string_equal(nearest("tarce"), "trace");
	assert_string_equal(nearest("trace-fliter"), "trace-filter");
	assert_string_equal(nearest("chekc"), "check");
	assert_string_equal(nearest("stat"), "stats");
	assert_string_equal(nearest("me"), "mem");
	assert_null(nearest("ls"));
	assert_null(nearest("python3"));
	assert_null(nearest(""));
	assert_null(nearest("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_classes),
		cmocka_unit_test(every_name_of_a_list_is_a_call),
		cmocka_unit_test(all_is_every_call),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(unknown_words),
		cmocka_unit_test(suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
