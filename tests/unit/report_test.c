// SPDX-License-Identifier: MIT
/*
 * Does a report say what happened, and does nothing that a guest can send get in its way? The
 * kernel's reports are made up here; the analysis of files has report_files_test.c.
 *
 * sources: check/report/analysis.c check/report/finding.c check/report/html.c
 * sources: check/report/html_draw.c check/report/html_style.c check/report/json.c
 * sources: check/report/kind.c check/report/maps.c check/report/reporter.c check/report/sarif.c
 * sources: check/report/suppress.c check/report/text.c check/report/validate.c
 * sources: check/report/words.c check/report/gcc.c check/report/valgrind.c tests/fake/report.c
 * libraries: json-c seccomp m iberty
 */
#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "check/report/input.h"
#include "check/report/kind.h"
#include "check/report/maps.h"
#include "check/report/reporter.h"
#include "tests/fake/report.h"

/* ---- input ---------------------------------------------------------------------------------- */

/* A copy of exactly this size, so that ASan sees a read beyond it. */
static int check_input(const struct fake_report *r, size_t len)
{
	struct report_input in;
	void *blob = malloc(len ? len : 1);
	int ret;

	memcpy(blob, r, MIN(len, sizeof(*r)));
	ret = report_input(&in, blob, len);
	free(blob);
	return ret;
}

static void whole_report_is_accepted(void **state)
{
	struct fake_report r = fake_report();
	struct report_input in;

	(void)state;
	assert_int_equal(report_input(&in, &r, sizeof(r)), 0);
	assert_int_equal(in.access.count, 2);
	assert_int_equal(in.alloc.count, 1);
	assert_int_equal(in.around_count, 3);
	assert_int_equal(in.samples_count, 4);
	assert_string_equal(in.head.comm, "prog");
	assert_non_null(strstr(in.maps, "/usr/bin/prog"));
}

static void wrong_numbers_are_refused(void **state)
{
	struct fake_report r;

	(void)state;
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		r = fake_report();                                                                 \
		change;                                                                            \
		assert_int_equal(check_input(&r, sizeof(r)), -EINVAL);                             \
	} while (0)
	REFUSED(r.head.kind = 0);
	REFUSED(r.head.kind = CHECK_KINDS);
	REFUSED(r.head.access = CHECK_ACCESS_SYSCALL_WRITE + 1);
	REFUSED(r.head.where = CHECK_WHERE_OLD_HEAP + 1);
	REFUSED(r.head.fn = CHK_FUNCTIONS);
	REFUSED(r.head.insn_len = 17);
	REFUSED(r.head.object.state = CHK_STATE_REALLOCATED + 1);
	REFUSED(r.head.object.level = CHK_LEVEL_NONE + 1);
	REFUSED(r.head.object.alloc_fn = UINT32_MAX);
	REFUSED(r.head.object.size = UINT64_MAX);
	REFUSED(r.head.object.align_code = CHK_ALIGN_CODES);
	REFUSED(r.head.align_code = CHK_ALIGN_CODES);
	REFUSED(r.head.indirect = r.head.count + 1);
	REFUSED(r.head.indirect_bytes = r.head.object.size + 1);
	REFUSED(r.around[2].state = 77);
	for (u32 i = 0; i < CHECK_PARTS; i++) {
		REFUSED(r.head.part[i].offset = sizeof(r) + 8);
		REFUSED(r.head.part[i].offset = sizeof(r) - 8; r.head.part[i].len = 16);
		REFUSED(r.head.part[i].offset = 8);
		REFUSED(r.head.part[i].offset |= 4);
		REFUSED(r.head.part[i].offset = UINT32_MAX & ~7u; r.head.part[i].len = 16);
		REFUSED(r.head.part[i].len = UINT32_MAX & ~7u);
	}
	REFUSED(r.head.part[CHECK_PART_ACCESS].len = 9);
	REFUSED(r.head.part[CHECK_PART_AROUND].len = sizeof(struct check_object) + 8);
#undef REFUSED
}

static void cut_reports_are_refused(void **state)
{
	struct fake_report r = fake_report();

	(void)state;
	for (size_t len = 0; len < sizeof(r); len += 8)
		assert_int_equal(check_input(&r, len), -EINVAL);
	assert_int_equal(check_input(&r, CHECK_REPORT_MAX + 1), -EMSGSIZE);
}

static void text_becomes_printable(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"plain", "plain"},
		{"\033[31mred", "?[31mred"},
		{"tab\tand\nline", "tab?and?line"},
		{"\x7f", "?"},
		{"K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\x9e",
		 "K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x90\x9e"},
		{"\xc3", "?"},
		{"\xe2\x82", "??"},
		{"\xc0\x80", "??"},	      /* NUL in two bytes */
		{"\xed\xa0\x80", "???"},      /* half of a surrogate pair */
		{"\xf4\x90\x80\x80", "????"}, /* beyond Unicode */
		{"\xc2\x9b"
		 "2J",
		 "??2J"}, /* CSI */
		{"\xe2\x80\xae"
		 "evil",
		 "???evil"}, /* right-to-left override */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text = strdup(rows[i].from);

		report_printable(text, strlen(text), false);
		assert_string_equal(text, rows[i].to);
		free(text);
	}
}

static void mappings_are_found(void **state)
{
	static const char text[] =
		"1000-2000 r-xp 00000000 08:01 12                         /bin/a b\n"
		"2000-3000 rw-p 00001000 08:01 12                         /bin/a b\n"
		"nonsense\n"
		"1800-4000 r--p 00000000 08:01 13 /overlap\n"
		"5000-5000 r--p 00000000 08:01 13 /empty\n"
		"6000-8000 rw-p 00000000 00:00 0\n"
		"8000-9000 rw-p 00000000 00:00 0 [stack]\n"
		"ffffffffffff0000-ffffffffffffffff r--p 00000000 00:00 0 [end]";
	struct report_maps maps;

	(void)state;
	assert_int_equal(report_maps_parse(&maps, text, sizeof(text) - 1), 0);
	assert_int_equal(maps.count, 5);
	assert_null(report_maps_find(&maps, 0xfff));
	assert_string_equal(report_maps_find(&maps, 0x1000)->path, "/bin/a b");
	assert_true(report_maps_find(&maps, 0x1fff)->exec);
	assert_true(report_maps_find(&maps, 0x2000)->write);
	assert_int_equal(report_maps_base(&maps, report_maps_find(&maps, 0x2000)), 0x1000);
	assert_null(report_maps_find(&maps, 0x3000));
	assert_string_equal(report_maps_find(&maps, 0x6000)->path, "");
	assert_false(report_maps_find(&maps, 0x8fff)->file);
	report_maps_free(&maps);
	assert_int_equal(report_maps_parse(&maps, "", 0), 0);
	assert_null(report_maps_find(&maps, 0));
	report_maps_free(&maps);
}

/* ---- stacks --------------------------------------------------------------------------------- */

static void check_collapse(const char *stack, const char *expected)
{
	u32 index[64], elided[64], n, count = (u32)strlen(stack);
	char text[256] = "";
	u64 pc[256];

	for (u32 i = 0; i < count; i++)
		pc[i] = (u64)stack[i];
	n = report_collapse(pc, count, index, elided, 12);
	for (u32 i = 0; i < n; i++) {
		size_t used = strlen(text);

		if (elided[i])
			snprintf(text + used, sizeof(text) - used, "%c+%u ", stack[index[i]],
				 elided[i]);
		else
			snprintf(text + used, sizeof(text) - used, "%c", stack[index[i]]);
	}
	assert_string_equal(text, expected);
}

static void recursion_is_shown_once(void **state)
{
	(void)state;
	check_collapse("", "");
	check_collapse("abc", "abc");
	check_collapse("abbbc", "abbbc");
	check_collapse("abbbbbbc", "ab+5 c");
	check_collapse("abcbcbcbcd", "abc+6 d");
	check_collapse("aaaaaaaaaaaa", "a+11 ");
	check_collapse("abcdefghijklmnop", "abcdefghijkl");
}

/* ---- words ---------------------------------------------------------------------------------- */

static char *written(void (*put)(FILE *, const void *), const void *arg)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	put(out, arg);
	fclose(out);
	return text;
}

#define START 0x200000001000UL

static void each_kind_has_its_sentence(void **state)
{
	static const struct {
		struct check_report head;
		const char *title;
	} rows[] = {
		{{.kind = CHECK_USE_AFTER_FREE,
		  .access = CHECK_ACCESS_READ,
		  .addr = START + 8,
		  .size = 4,
		  .object = {START, 32, .state = CHK_STATE_FREED}},
		 "heap-use-after-free: read of 4 bytes at 0x200000001008, 8 bytes inside an object "
		 "of "
		 "32 bytes that was freed"},
		{{.kind = CHECK_USE_AFTER_FREE,
		  .access = CHECK_ACCESS_EXEC,
		  .addr = START,
		  .object = {START, 32, .state = CHK_STATE_FREED}},
		 "heap-use-after-free: jump to 0x200000001000, at the start of an object of 32 "
		 "bytes that "
		 "was freed"},
		{{.kind = CHECK_USE_AFTER_FREE,
		  .access = CHECK_ACCESS_WRITE,
		  .addr = START,
		  .size = 1,
		  .where = CHECK_WHERE_OLD_HEAP},
		 "heap-use-after-free: write of 1 byte at 0x200000001000, in an object that was "
		 "freed long "
		 "ago"},
		{{.kind = CHECK_USE_AFTER_REALLOC,
		  .access = CHECK_ACCESS_WRITE,
		  .addr = START + 1,
		  .size = 1,
		  .object = {START, 32, .state = CHK_STATE_REALLOCATED}},
		 "heap-use-after-realloc: write of 1 byte at 0x200000001001, 1 byte inside an "
		 "object of 32 "
		 "bytes that realloc moved elsewhere"},
		{{.kind = CHECK_HEAP_OVERFLOW,
		  .access = CHECK_ACCESS_WRITE,
		  .addr = START + 10,
		  .size = 1,
		  .object = {START, 10, .state = CHK_STATE_LIVE}},
		 "heap-overflow: write of 1 byte at 0x20000000100a, right after the end of an "
		 "object of 10 "
		 "bytes"},
		{{.kind = CHECK_HEAP_OVERFLOW,
		  .access = CHECK_ACCESS_READ,
		  .addr = START + 12,
		  .size = 0,
		  .object = {START, 1, .state = CHK_STATE_LIVE}},
		 "heap-overflow: read at 0x20000000100c, 11 bytes after the end of an object of 1 "
		 "byte"},
		{{.kind = CHECK_HEAP_OVERFLOW,
		  .access = CHECK_ACCESS_READ,
		  .addr = START + 12,
		  .size = 8,
		  .object = {START, 16, .state = CHK_STATE_LIVE}},
		 "heap-overflow: read of 8 bytes at 0x20000000100c, the last 4 bytes after the end "
		 "of an "
		 "object of 16 bytes"},
		{{.kind = CHECK_HEAP_UNDERFLOW,
		  .access = CHECK_ACCESS_READ,
		  .addr = START - 4,
		  .size = 4,
		  .object = {START, 16, .state = CHK_STATE_LIVE}},
		 "heap-underflow: read of 4 bytes at 0x200000000ffc, 4 bytes before the start of "
		 "an object "
		 "of 16 bytes"},
		{{.kind = CHECK_HEAP_OVERFLOW,
		  .access = CHECK_ACCESS_SYSCALL_WRITE,
		  .addr = START,
		  .size = 64,
		  .syscall = 0,
		  .object = {START, 16, .state = CHK_STATE_LIVE}},
		 "heap-overflow: system call read was given a buffer to write to, 64 bytes at "
		 "0x200000001000, the last 48 bytes after the end of an object of 16 bytes"},
		{{.kind = CHECK_DOUBLE_FREE,
		  .addr = START,
		  .fn = CHK_FN_DELETE_ARRAY,
		  .object = {START, 16, .state = CHK_STATE_FREED}},
		 "double-free: operator delete[] of 0x200000001000, an object of 16 bytes that was "
		 "freed "
		 "already"},
		{{.kind = CHECK_INVALID_FREE,
		  .addr = START + 8,
		  .where = CHECK_WHERE_INTERIOR,
		  .fn = CHK_FN_FREE,
		  .object = {START, 16, .state = CHK_STATE_LIVE}},
		 "invalid-free: free of 0x200000001008, which is 8 bytes inside an object of 16 "
		 "bytes"},
		{{.kind = CHECK_INVALID_FREE,
		  .addr = 0x7ffc0000,
		  .where = CHECK_WHERE_STACK,
		  .fn = CHK_FN_REALLOC},
		 "invalid-free: realloc of 0x7ffc0000, which is on the stack of a thread"},
		{{.kind = CHECK_INVALID_FREE,
		  .addr = 0x400010,
		  .where = CHECK_WHERE_GLOBAL,
		  .fn = CHK_FN_FREE},
		 "invalid-free: free of 0x400010, which is data of /usr/bin/prog"},
		{{.kind = CHECK_INVALID_FREE,
		  .addr = 0x10,
		  .where = CHECK_WHERE_UNMAPPED,
		  .fn = CHK_FN_FREE},
		 "invalid-free: free of 0x10, which is no memory of the program"},
		{{.kind = CHECK_MISMATCHED_FREE,
		  .addr = START,
		  .fn = CHK_FN_FREE,
		  .object = {START, 16, .state = CHK_STATE_LIVE, .alloc_fn = CHK_FN_NEW_ARRAY}},
		 "mismatched-free: free of 0x200000001000, an object of 16 bytes that was made by "
		 "operator "
		 "new[]"},
		{{.kind = CHECK_SLACK_OVERWRITTEN,
		  .addr = START + 13,
		  .size = 1,
		  .fn = CHK_FN_FREE,
		  .object = {START, 13, .state = CHK_STATE_LIVE}},
		 "heap-slack-overwritten: 1 byte at 0x20000000100d, right after the end of an "
		 "object of 13 "
		 "bytes, was overwritten; found by free"},
		{{.kind = CHECK_FREED_OVERWRITTEN,
		  .addr = START + 8,
		  .size = 8,
		  .object = {START, 16, .state = CHK_STATE_FREED}},
		 "heap-freed-overwritten: 8 bytes at 0x200000001008, 8 bytes inside an object of "
		 "16 bytes "
		 "that was freed, were overwritten; found at exit"},
		{{.kind = CHECK_BAD_SIZE, .size = (u64)-8, .fn = CHK_FN_MALLOC},
		 "bad-size: malloc of 18446744073709551608 bytes (as a signed number -8)"},
		{{.kind = CHECK_LEAK,
		  .count = 3,
		  .object = {START, 96, .state = CHK_STATE_LIVE, .alloc_fn = CHK_FN_CALLOC}},
		 "leak: 3 objects of 96 bytes in all, made by calloc, were not freed, and no "
		 "pointer "
		 "to them is left"},
		{{.kind = CHECK_LEAK,
		  .count = 3,
		  .indirect = 3,
		  .object = {START, 96, .state = CHK_STATE_LIVE, .alloc_fn = CHK_FN_CALLOC}},
		 "leak: 3 objects of 96 bytes in all, made by calloc, were not freed, and only "
		 "lost objects point to them"},
		{{.kind = CHECK_MISMATCHED_FREE,
		  .flags = CHECK_REPORT_SIZED,
		  .addr = START,
		  .size = 8,
		  .fn = CHK_FN_DELETE,
		  .align_code = 3,
		  .object = {START, 96, .state = CHK_STATE_LIVE, .alloc_fn = CHK_FN_NEW}},
		 "mismatched-free: operator delete for an alignment of 64 of 0x200000001000, an "
		 "object of 96 bytes that was made by operator new, as one of 8 bytes"},
		{{.kind = CHECK_REACHABLE_AT_EXIT,
		  .count = 1,
		  .object = {START, 1, .state = CHK_STATE_LIVE, .alloc_fn = CHK_FN_NEW}},
		 "still-reachable: an object of 1 byte, made by operator new, was not freed"},
		{{.kind = CHECK_NULL_POINTER, .access = CHECK_ACCESS_READ, .addr = 16, .size = 8},
		 "null-pointer: read of 8 bytes at 0x10, offset 16 from a NULL pointer"},
		{{.kind = CHECK_NULL_POINTER, .access = CHECK_ACCESS_EXEC, .addr = 0},
		 "null-pointer: jump to 0x0, a NULL pointer"},
		{{.kind = CHECK_WILD_POINTER,
		  .access = CHECK_ACCESS_WRITE,
		  .addr = 0x8000000000000000UL,
		  .size = 2},
		 "wild-pointer: write of 2 bytes at 0x8000000000000000, a non-canonical address, "
		 "which no x86-64 pointer can have"},
		{{.kind = CHECK_WILD_POINTER,
		  .access = CHECK_ACCESS_WRITE,
		  .addr = 0x123456,
		  .size = 2},
		 "wild-pointer: write of 2 bytes at 0x123456, where no memory is mapped"},
		{{.kind = CHECK_WILD_POINTER,
		  .access = CHECK_ACCESS_WRITE,
		  .addr = 0x400010,
		  .size = 2},
		 "wild-pointer: write of 2 bytes at 0x400010, where memory is mapped with other "
		 "rights "
		 "(r-x)"},
		{{.kind = CHECK_STACK_OVERFLOW,
		  .access = CHECK_ACCESS_WRITE,
		  .addr = 0x7ffc0000,
		  .size = 8},
		 "stack-overflow: write of 8 bytes at 0x7ffc0000, beyond the end of the stack"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_report r = fake_report();
		struct fake_run *run = fake_run(NULL);
		char expected[512];

		r.head = rows[i].head;
		memcpy(r.head.part, fake_report().head.part, sizeof(r.head.part));
		assert_int_equal(reporter_report(&run->reporter, &r, sizeof(r)),
				 CHECK_VERDICT_REPORTED);
		snprintf(expected, sizeof(expected), "buffervm: %s\n", rows[i].title);
		fflush(run->reporter.text);
		run->text[strcspn(run->text, "\n") + 1] = '\0';
		assert_string_equal(run->text, expected);
		fake_run_end(run);
	}
}

static void the_text_is_as_documented(void **state)
{
	static const char expected[] =
		"buffervm: heap-use-after-free: read of 4 bytes at 0x200000001008, 8 bytes inside "
		"an "
		"object of 32 bytes that was freed\n"
		"  happened in thread 43 of process 42 (prog):\n"
		"    #0 item_name at /src/item.c:12:7 (inlined)\n"
		"    #1 print_items in prog+0x1040\n"
		"    ... 7 more frames of print_items\n"
		"    #2 prog+0x1080\n"
		"    ... 5 more\n"
		"  the object was allocated by malloc in thread 42:\n"
		"    #0 item_new at /src/item.c:5:7\n"
		"  freed by free in thread 43:\n"
		"    #0 item_drop at /src/item.c:20:7\n"
		"  no symbols: /usr/bin/prog (build-id 0123abcd)\n"
		"  suppress with: heap-use-after-free: item_name|prog print_items|prog\n"
		"buffervm: process 42 (prog): 8 objects, 640 bytes, 5 at level page, 3 at level "
		"alias; "
		"1 of 4 allocation sites were too busy for more; 2 objects, 64 bytes not freed\n"
		"buffervm: 1 bug (1 heap-use-after-free), repeated 1 times\n";
	struct fake_report r = fake_report(), again = fake_report();
	const struct check_summary summary = {
		.pid = 42,
		.comm = "prog",
		.objects = {[CHK_LEVEL_PAGE] = 5, [CHK_LEVEL_ALIAS] = 3},
		.bytes = 640,
		.live = 2,
		.live_bytes = 64,
		.sites = 4,
		.sites_stepped_down = 1,
	};
	struct fake_run *run = fake_run(NULL);

	(void)state;
	assert_int_equal(reporter_report(&run->reporter, &r, sizeof(r)), CHECK_VERDICT_REPORTED);
	assert_int_equal(reporter_report(&run->reporter, &again, sizeof(again)),
			 CHECK_VERDICT_DUPLICATE);
	reporter_summary(&run->reporter, &summary, sizeof(summary));
	fake_run_end_with(run, expected);
}

static void many_processes_are_one_line(void **state)
{
	struct check_summary summary = {
		.comm = "prog",
		.objects = {[CHK_LEVEL_PAGE] = 2},
		.bytes = 10,
	};
	struct fake_run *run = fake_run(NULL);

	(void)state;
	for (u32 i = 0; i < 2000; i++)
		reporter_summary(&run->reporter, &summary, sizeof(summary));
	fake_run_end_with(run, "buffervm: 2000 processes: 4000 objects, 20000 bytes, "
			       "4000 at level page\nbuffervm: 0 bugs\n");
}

static void a_dead_worker_costs_names_only(void **state)
{
	struct fake_report r = fake_report();
	struct fake_run *run = fake_run(NULL);

	(void)state;
	run->reporter.ask = fake_no_worker;
	assert_int_equal(reporter_report(&run->reporter, &r, sizeof(r)), CHECK_VERDICT_REPORTED);
	fflush(run->reporter.text);
	assert_non_null(strstr(run->text, "    #0 prog+0x1040\n"));
	assert_non_null(strstr(run->text, "no names"));
	fake_run_end(run);
}

static void nonsense_is_told_and_counted(void **state)
{
	struct fake_report r = fake_report();
	struct fake_run *run = fake_run(NULL);

	(void)state;
	r.head.kind = 1000;
	assert_int_equal(reporter_report(&run->reporter, &r, sizeof(r)), CHECK_VERDICT_REPORTED);
	fake_run_end_with(run,
			  "buffervm: a bug was found, but the guest's report of it is malformed\n"
			  "buffervm: 0 bugs, 1 reports that could not be understood\n");
}

/* ---- the worker's answer -------------------------------------------------------------------- */

static void a_cut_answer_is_refused(void **state)
{
	size_t len;
	char *answer = fake_answer(&len);
	struct report_analysis a;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		char *part = malloc(n ? n : 1);

		memcpy(part, answer, n);
		assert_int_equal(report_analysis_parse(&a, part, n), -EINVAL);
	}
	assert_int_equal(report_analysis_parse(&a, answer, len), 0);
	assert_string_equal(a.stack[0].frame[0].function, "item_name");
	report_analysis_free(&a);
}

/* ---- suppressions --------------------------------------------------------------------------- */

static enum check_verdict with_suppression(const char *line)
{
	struct fake_report r = fake_report();
	struct fake_run *run = fake_run(line);
	enum check_verdict verdict = reporter_report(&run->reporter, &r, sizeof(r));

	fake_run_end(run);
	return verdict;
}

static void suppressions_match_frames(void **state)
{
	static const struct {
		const char *line;
		bool matches;
	} rows[] = {
		{"heap-use-after-free: item_name", true},
		{"heap-use-after-free: item_name|prog print_items|prog", true},
		{"  heap-use-after-free :  item_*  ", true},
		{"*: item_name|/usr/bin/prog", true},
		{"heap-use-after-free:", true},
		{"heap-use-after-free: |prog", true},
		{"heap-use-after-free: ... print_items", true},
		{"heap-use-after-free: ... +0x1080|prog", true},
		{"heap-use-after-free: item_name ... +0x1080", true},
		{"heap-use-after-free: print_items", false},
		{"heap-use-after-free: item_name|other", false},
		{"heap-use-after-free: ... item_new", false},
		{"heap-use-after-free: item_name +0x1080", false},
		{"heap-use-after-free: item_name print_items * *", false},
		{"double-free: item_name", false},
		{"# heap-use-after-free: item_name", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(with_suppression(rows[i].line), rows[i].matches
									 ? CHECK_VERDICT_SUPPRESSED
									 : CHECK_VERDICT_REPORTED);
}

static void a_generated_suppression_matches(void **state)
{
	struct fake_report r = fake_report();
	struct fake_run *run = fake_run(NULL);
	char *line;

	(void)state;
	assert_int_equal(reporter_report(&run->reporter, &r, sizeof(r)), CHECK_VERDICT_REPORTED);
	line = strdup(run->reporter.run.finding[0]->suppression);
	fake_run_end(run);
	assert_int_equal(with_suppression(line), CHECK_VERDICT_SUPPRESSED);
	free(line);
}

static void a_wrong_line_is_named(void **state)
{
	static const struct {
		const char *text;
		int line;
	} rows[] = {
		{"# fine\n\nnonsense\n", 3},
		{"no-such-kind: f\n", 1},
		{"leak: f\n*:\n", 2},
		{"leak: 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3\n", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report_suppressions *s = NULL;
		char path[64];
		const char *why = NULL;

		fake_file(path, rows[i].text);
		assert_int_equal(report_suppressions_read(&s, path, &why), rows[i].line);
		assert_non_null(why);
		report_suppressions_free(s);
		unlink(path);
	}
}

/* ---- for machines --------------------------------------------------------------------------- */

static struct json_object *member(struct json_object *o, const char *path)
{
	struct json_object *found = NULL;

	assert_int_equal(json_pointer_get(o, path, &found), 0);
	return found;
}

static const char *text_at(struct json_object *o, const char *path)
{
	return json_object_get_string(member(o, path));
}

static void json_is_a_line_each(void **state)
{
	struct fake_report r = fake_report();
	struct fake_run *run = fake_run(NULL);
	char *text = NULL, *end;
	struct json_object *o;
	size_t len;

	(void)state;
	run->reporter.json = open_memstream(&text, &len);
	reporter_report(&run->reporter, &r, sizeof(r));
	reporter_end(&run->reporter);
	fclose(run->reporter.json);
	run->reporter.json = NULL;

	end = strchr(text, '\n');
	*end = '\0';
	o = json_tokener_parse(text);
	assert_string_equal(text_at(o, "/type"), "report");
	assert_string_equal(text_at(o, "/kind"), "heap-use-after-free");
	assert_string_equal(text_at(o, "/address"), "0x200000001008");
	assert_string_equal(text_at(o, "/stack/0/function"), "item_name");
	assert_int_equal(json_object_get_int(member(o, "/stack/0/line")), 12);
	assert_string_equal(text_at(o, "/free_stack/0/file"), "/src/item.c");
	assert_string_equal(text_at(o, "/object/state"), "freed");
	json_object_put(o);
	o = json_tokener_parse(end + 1);
	assert_string_equal(text_at(o, "/type"), "summary");
	assert_int_equal(json_object_get_int(member(o, "/reports")), 1);
	json_object_put(o);
	free(text);
	fake_run_end(run);
}

/* What SARIF 2.1.0 requires of what is written (sections 3.13 to 3.37). */
static void sarif_has_what_the_standard_requires(void **state)
{
	struct fake_report r = fake_report(), again = fake_report(), other = fake_report();
	struct fake_run *run = fake_run(NULL);
	struct json_object *o, *results, *rules;
	char *text = NULL;
	size_t len;

	(void)state;
	other.head.kind = CHECK_DOUBLE_FREE;
	run->reporter.sarif = open_memstream(&text, &len);
	reporter_report(&run->reporter, &r, sizeof(r));
	reporter_report(&run->reporter, &again, sizeof(again));
	reporter_report(&run->reporter, &other, sizeof(other));
	reporter_end(&run->reporter);
	fclose(run->reporter.sarif);
	run->reporter.sarif = NULL;

	o = json_tokener_parse(text);
	assert_string_equal(text_at(o, "/version"), "2.1.0");
	assert_string_equal(text_at(o, "/runs/0/tool/driver/name"), "buffervm");
	results = member(o, "/runs/0/results");
	rules = member(o, "/runs/0/tool/driver/rules");
	assert_int_equal(json_object_array_length(results), 2);
	for (size_t i = 0; i < 2; i++) {
		struct json_object *result = json_object_array_get_idx(results, i);
		int rule = json_object_get_int(member(result, "/ruleIndex"));

		assert_string_equal(text_at(json_object_array_get_idx(rules, (size_t)rule), "/id"),
				    text_at(result, "/ruleId"));
		assert_string_equal(text_at(result, "/level"), "error");
		assert_true(strlen(text_at(result, "/message/text")) > 0);
		assert_string_equal(
			text_at(result, "/locations/0/physicalLocation/artifactLocation/uri"),
			"item.c");
		assert_string_equal(
			text_at(result, "/locations/0/physicalLocation/artifactLocation/uriBaseId"),
			"SRCROOT");
		assert_int_equal(strlen(text_at(result, "/partialFingerprints/stack~1v1")), 16);
		assert_int_equal(json_object_array_length(member(result, "/relatedLocations")), 2);
		assert_int_equal(json_object_get_int(member(
					 result, "/locations/0/physicalLocation/region/startLine")),
				 12);
		assert_int_equal(json_object_array_length(member(result, "/stacks")), 3);
		assert_true(strlen(text_at(result, "/stacks/0/frames/0/location/message/text")) >
			    0);
	}
	assert_int_equal(json_object_get_int(member(o, "/runs/0/results/0/occurrenceCount")), 2);
	json_object_put(o);
	free(text);
	fake_run_end(run);
}

static void put_page(FILE *out, const void *run)
{
	report_html(out, run);
}

static void the_page_escapes_what_it_shows(void **state)
{
	struct fake_report r = fake_report();
	struct fake_run *run = fake_run(NULL);
	char *page;

	(void)state;
	memcpy(r.head.comm, "<b>&\"'", 7);
	reporter_report(&run->reporter, &r, sizeof(r));
	page = written(put_page, &run->reporter.run);
	assert_null(strstr(page, "<b>"));
	assert_non_null(strstr(page, "&lt;b&gt;&amp;&quot;&#39;"));
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "://"));
	assert_non_null(strstr(page, "return item-&gt;name;"));
	free(page);
	fake_run_end(run);
}

/* Extreme numbers end up in drawings: none may be NaN, infinite, or of unbounded length. */
static void drawings_take_any_number(void **state)
{
	static const u64 values[] = {0, 1, 4096, 1UL << 47, 1UL << 63, UINT64_MAX - 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			struct fake_report r = fake_report();
			struct fake_run *run = fake_run(NULL);
			char *page;

			r.head.addr = values[i];
			r.head.object.start = values[k];
			r.head.object.size = MIN(values[i], UINT64_MAX - values[k]);
			r.around[0].start = values[i];
			r.around[0].size = 0;
			r.samples[0].seq = values[k];
			r.samples[1].live_bytes = values[i];
			r.samples[3].seq = values[i];
			reporter_report(&run->reporter, &r, sizeof(r));
			page = written(put_page, &run->reporter.run);
			assert_null(strstr(page, "nan"));
			assert_null(strstr(page, "inf\""));
			assert_true(strlen(page) < 100000);
			free(page);
			fake_run_end(run);
		}
	}
}

static void kinds_are_found_by_name(void **state)
{
	(void)state;
	for (u32 kind = 1; kind < CHECK_KINDS; kind++)
		assert_int_equal(report_kind_by_name(report_kind(kind)->name), kind);
	assert_int_equal(report_kind_by_name("unknown"), 0);
	assert_string_equal(report_kind(UINT32_MAX)->name, "unknown");
	assert_string_equal(report_function_name(UINT32_MAX), "?");
	assert_string_equal(report_level_name(UINT32_MAX), "?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_report_is_accepted),
		cmocka_unit_test(wrong_numbers_are_refused),
		cmocka_unit_test(cut_reports_are_refused),
		cmocka_unit_test(text_becomes_printable),
		cmocka_unit_test(mappings_are_found),
		cmocka_unit_test(recursion_is_shown_once),
		cmocka_unit_test(each_kind_has_its_sentence),
		cmocka_unit_test(the_text_is_as_documented),
		cmocka_unit_test(many_processes_are_one_line),
		cmocka_unit_test(a_dead_worker_costs_names_only),
		cmocka_unit_test(nonsense_is_told_and_counted),
		cmocka_unit_test(a_cut_answer_is_refused),
		cmocka_unit_test(suppressions_match_frames),
		cmocka_unit_test(a_generated_suppression_matches),
		cmocka_unit_test(a_wrong_line_is_named),
		cmocka_unit_test(json_is_a_line_each),
		cmocka_unit_test(sarif_has_what_the_standard_requires),
		cmocka_unit_test(the_page_escapes_what_it_shows),
		cmocka_unit_test(drawings_take_any_number),
		cmocka_unit_test(kinds_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
