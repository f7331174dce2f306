// SPDX-License-Identifier: MIT
/* Reads, matches and generates suppressions. suppress.h describes their syntax. */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/sys/queue.h>
#include "check/report/kind.h"
#include "check/report/suppress.h"
#include "check/report/words.h"

#define FRAMES_MAX	 32
#define GENERATED_FRAMES 2

struct row {
	STAILQ_ENTRY(row) next;
	u32 kind;			  /* 0: any */
	char *line;			  /* owns the patterns */
	const char *function[FRAMES_MAX]; /* NULL: "..." */
	const char *module[FRAMES_MAX];	  /* NULL: any */
	u32 frames;
	u64 count;
};

struct report_suppressions {
	STAILQ_HEAD(, row) rows;
};

/* Parses a line that is not empty and no comment. Returns NULL, or what is wrong with it. */
static const char *parse(struct row *row, char *line)
{
	char *colon = strchr(line, ':'), *rest, *word;

	if (!colon)
		return "no colon behind the kind";
	*colon = '\0';
	for (char *end = colon; end > line && isspace((u8)end[-1]);)
		*--end = '\0';
	row->kind = report_kind_by_name(line);
	if (!row->kind && strcmp(line, "*") != 0)
		return "no such kind";
	rest = colon + 1;
	while ((word = strsep(&rest, " \t\r"))) {
		char *bar = strchr(word, '|');

		if (!*word)
			continue;
		if (row->frames == FRAMES_MAX)
			return "too many frames";
		if (strcmp(word, "...") != 0) {
			if (bar)
				*bar = '\0';
			row->function[row->frames] = *word ? word : "*";
			row->module[row->frames] = bar ? bar + 1 : NULL;
		}
		row->frames++;
	}
	return row->kind || row->frames ? NULL : "it would suppress everything";
}

int report_suppressions_read(struct report_suppressions **s, const char *path, const char **why)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t space = 0;
	int number = 0, ret = 0;

	if (!in)
		return -errno;
	if (!*s) {
		*s = calloc(1, sizeof(**s));
		if (!*s) {
			fclose(in);
			return -ENOMEM;
		}
		STAILQ_INIT(&(*s)->rows);
	}
	while (!ret && getline(&line, &space, in) >= 0) {
		char *start = line + strspn(line, " \t");
		struct row *row;

		number++;
		start[strcspn(start, "\n")] = '\0';
		if (!*start || *start == '#' || *start == '\r')
			continue;
		row = calloc(1, sizeof(*row));
		if (!row || !(row->line = strdup(start))) {
			free(row);
			ret = -ENOMEM;
			break;
		}
		STAILQ_INSERT_TAIL(&(*s)->rows, row, next);
		*why = parse(row, row->line);
		if (*why)
			ret = number;
	}
	free(line);
	fclose(in);
	return ret;
}

static bool frame_matches(const struct row *row, u32 i, const struct report_frame *frame)
{
	char offset[32];
	const char *function = frame->function, *module = row->module[i];

	if (!function[0]) {
		snprintf(offset, sizeof(offset), "+0x%" PRIx64, frame->offset);
		function = offset;
	}
	return fnmatch(row->function[i], function, 0) == 0 &&
	       (!module || fnmatch(module, frame->module, 0) == 0 ||
		fnmatch(module, report_basename(frame->module), 0) == 0);
}

/*
 * Greedy matching that backtracks only to the last "...", as is usual for file name patterns. Its
 * time is at most the product of both lengths.
 */
static bool frames_match(const struct row *row, const struct report_stack *stack)
{
	u32 want = 0, have = 0, retry = 0;
	s64 dots = -1;

	while (want < row->frames) {
		if (!row->function[want]) {
			dots = want++;
			retry = have;
		} else if (have < stack->count && frame_matches(row, want, &stack->frame[have])) {
			want++;
			have++;
		} else if (dots >= 0 && retry < stack->count) {
			want = (u32)dots + 1;
			have = ++retry;
		} else {
			return false;
		}
	}
	return true;
}

/*
 * Returns whether the finding is about objects that glibc's start code keeps in a static program.
 * In a dynamic program ld.so has these objects. No program can free them.
 */
static bool is_of_libc(const struct report_finding *f, const struct report_stack *stack)
{
	if (f->head.kind != CHECK_REACHABLE_AT_EXIT)
		return false;
	for (u32 i = 0; i < stack->count; i++)
		if (strcmp(stack->frame[i].function, "_dl_non_dynamic_init") == 0)
			return true;
	return false;
}

bool report_suppressions_match(struct report_suppressions *s, const struct report_finding *f)
{
	const struct report_stack *stack = report_main_stack(f);
	struct row *row;

	if (is_of_libc(f, stack))
		return true;
	if (!s)
		return false;
	STAILQ_FOREACH(row, &s->rows, next)
	{
		if ((!row->kind || row->kind == f->head.kind) && frames_match(row, stack)) {
			row->count++;
			return true;
		}
	}
	return false;
}

/* Writes a pattern that matches name: characters with a meaning in patterns become '?'. */
static void put_pattern(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(strchr(" \t|*?[]\\", *name) ? '?' : *name, out);
}

void report_suppressions_generate(FILE *out, const struct report_finding *f)
{
	const struct report_stack *stack = report_main_stack(f);

	fprintf(out, "%s:", report_kind(f->head.kind)->name);
	for (u32 i = 0; i < stack->count && i < GENERATED_FRAMES; i++) {
		const struct report_frame *frame = &stack->frame[i];

		fputc(' ', out);
		if (frame->function[0])
			put_pattern(out, frame->function);
		else
			fprintf(out, "+0x%" PRIx64, frame->offset);
		if (frame->module[0]) {
			fputc('|', out);
			put_pattern(out, report_basename(frame->module));
		}
	}
}

void report_suppressions_free(struct report_suppressions *s)
{
	struct row *row;

	if (!s)
		return;
	while ((row = STAILQ_FIRST(&s->rows))) {
		STAILQ_REMOVE_HEAD(&s->rows, next);
		free(row->line);
		free(row);
	}
	free(s);
}
