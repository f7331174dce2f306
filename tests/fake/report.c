// SPDX-License-Identifier: MIT
/* See report.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/fake/report.h"

#define START 0x200000001000UL

#define PART(name, field)                                                                          \
	[name] = {offsetof(struct fake_report, field), sizeof(((struct fake_report *)0)->field)}

struct fake_report fake_report(void)
{
	return (struct fake_report){
		.head =
			{
				.kind = CHECK_USE_AFTER_FREE,
				.access = CHECK_ACCESS_READ,
				.pid = 42,
				.tid = 43,
				.comm = "prog",
				.addr = START + 8,
				.size = 4,
				.stack_at = 0x7ffd00000000,
				.object = {START, 32, CHK_STATE_FREED, CHK_LEVEL_PAGE,
					   CHK_FN_MALLOC, CHK_FN_FREE, 42, 43, 100, 200},
				.part =
					{
						PART(CHECK_PART_ACCESS, access),
						PART(CHECK_PART_ALLOC, alloc),
						PART(CHECK_PART_FREE, free),
						PART(CHECK_PART_AROUND, around),
						PART(CHECK_PART_SAMPLES, samples),
						PART(CHECK_PART_CALLERS, callers),
						PART(CHECK_PART_CREATED, created[0]),
						PART(CHECK_PART_CREATED + 1, created[1]),
						PART(CHECK_PART_CREATED + 2, created[2]),
						PART(CHECK_PART_STACK, stack),
						PART(CHECK_PART_MAPS, maps),
					},
			},
		.access = {0x401040, 0x401080},
		.alloc = {0x4010c0},
		.free = {0x401100},
		.created = {{0x401140}, {0x401180}, {0x4011c0}},
		.around = {{.start = START - 4096, .size = 64, .state = CHK_STATE_LIVE},
			   {.start = START, .size = 32, .state = CHK_STATE_FREED},
			   {.start = START + 4096, .size = 128, .state = CHK_STATE_FREED}},
		.samples = {{0, 0, 0}, {100, 4000, 10}, {200, 3000, 8}, {300, 5000, 12}},
		.maps = "400000-402000 r-xp 00000000 08:01 12   /usr/bin/prog\n",
	};
}

static void put_u32(FILE *out, u32 value)
{
	fwrite(&value, sizeof(value), 1, out);
}

static void put_u64(FILE *out, u64 value)
{
	fwrite(&value, sizeof(value), 1, out);
}

static void put_text(FILE *out, const char *text)
{
	put_u32(out, (u32)strlen(text));
	fwrite(text, 1, strlen(text) + 1, out);
}

static void put_frame(FILE *out, u64 pc, const char *function, u32 line, u32 flags, u32 elided)
{
	put_u64(out, pc);
	put_u64(out, pc - 0x400000);
	put_u32(out, line);
	put_u32(out, line ? 7 : 0);
	put_u32(out, flags);
	put_u32(out, elided);
	put_u32(out, line ? line - 1 : 0);
	put_text(out, function);
	put_text(out, line ? "/src/item.c" : "");
	put_text(out, "/usr/bin/prog");
	put_text(out, line ? "{\n\treturn item->name;\n}\n" : "");
}

static void put_stack(FILE *out, u32 frames, u32 cut)
{
	put_u32(out, frames);
	put_u32(out, cut);
}

char *fake_answer(size_t *len)
{
	char *answer = NULL;
	FILE *out = open_memstream(&answer, len);

	put_stack(out, 3, 5);
	put_frame(out, 0x401040, "item_name", 12, FRAME_INLINED, 0);
	put_frame(out, 0x401040, "print_items", 0, 0, 7);
	put_frame(out, 0x401080, "", 0, 0, 0);
	put_stack(out, 1, 0);
	put_frame(out, 0x4010c0, "item_new", 5, 0, 0);
	put_stack(out, 1, 0);
	put_frame(out, 0x401100, "item_drop", 20, 0, 0);
	for (int i = 0; i < CHECK_THREADS; i++) /* not known where the threads were created */
		put_stack(out, 0, 0);
	for (int i = 0; i < 4; i++) /* no instruction */
		put_u32(out, 0);
	put_u64(out, 0);
	put_text(out, "");
	put_text(out, "");
	put_u32(out, 1);
	put_text(out, "/usr/bin/prog");
	put_text(out, "0123abcd");
	fclose(out);
	return answer;
}

static char *fake_ask(const void *blob, size_t len, const struct report_analysis_options *opt,
		      size_t *answer_len)
{
	(void)blob;
	(void)len;
	(void)opt;
	return fake_answer(answer_len);
}

char *fake_no_worker(const void *blob, size_t len, const struct report_analysis_options *opt,
		     size_t *answer_len)
{
	(void)blob;
	(void)len;
	(void)opt;
	(void)answer_len;
	return NULL;
}

/* The files of the program are not read: a plain analysis is all that the tests need. */
void report_analyse_plainly(const struct report_input *in,
			    const struct report_analysis_options *opt, FILE *out)
{
	(void)in;
	(void)opt;
	put_stack(out, 1, 0);
	put_frame(out, 0x401040, "", 0, 0, 0);
	for (int i = 1; i < REPORT_STACKS; i++)
		put_stack(out, 0, 0);
	for (int i = 0; i < 4; i++)
		put_u32(out, 0);
	put_u64(out, 0);
	put_text(out, "");
	put_text(out, "");
	put_u32(out, 0);
}

void fake_file(char *path, const char *text)
{
	int fd;

	strcpy(path, "/tmp/buffervm-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

struct fake_run *fake_run(const char *suppressions)
{
	struct fake_run *run = calloc(1, sizeof(*run));
	const char *why;
	char path[64];

	run->reporter.ask = fake_ask;
	run->reporter.analysis.depth = REPORT_DEPTH_DEFAULT;
	run->reporter.text = open_memstream(&run->text, &run->text_len);
	if (suppressions) {
		fake_file(path, suppressions);
		assert_int_equal(report_suppressions_read(&run->reporter.suppressions, path, &why),
				 0);
		unlink(path);
	}
	return run;
}

void fake_run_end(struct fake_run *run)
{
	fake_run_end_with(run, NULL);
}

void fake_run_end_with(struct fake_run *run, const char *expected)
{
	reporter_end(&run->reporter);
	if (expected)
		assert_string_equal(run->text, expected);
	fclose(run->reporter.text);
	free(run->text);
	free(run);
}
