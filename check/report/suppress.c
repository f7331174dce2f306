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
	u32 kinds;		 /* of Valgrind's form: a bit for each of ours; 0: .kind counts */
	char *search;		 /* of LeakSanitizer's form: the pattern; NULL: .function counts */
	char *owned[FRAMES_MAX]; /* of Valgrind's form: strings to be freed */
	u64 count;
};

struct report_suppressions {
	STAILQ_HEAD(, row) rows;
};

#define BIT(kind) (1u << (kind))
#define ACCESSES                                                                                   \
	(BIT(CHECK_USE_AFTER_FREE) | BIT(CHECK_USE_AFTER_REALLOC) | BIT(CHECK_HEAP_OVERFLOW) |     \
	 BIT(CHECK_HEAP_UNDERFLOW) | BIT(CHECK_SLACK_OVERWRITTEN) | BIT(CHECK_FREED_OVERWRITTEN) | \
	 BIT(CHECK_NULL_POINTER) | BIT(CHECK_WILD_POINTER) | BIT(CHECK_STACK_OVERFLOW))

/* Memcheck's kinds of errors, and ours that they may be. Others concern values, and match nothing.
 */
static const struct {
	const char *name;
	u32 kinds;
} memcheck[] = {
	{"Addr1", ACCESSES},
	{"Addr2", ACCESSES},
	{"Addr4", ACCESSES},
	{"Addr8", ACCESSES},
	{"Addr16", ACCESSES},
	{"Addr32", ACCESSES},
	{"Addr64", ACCESSES},
	{"Jump", ACCESSES},
	{"Param", ACCESSES},
	{"Free", BIT(CHECK_DOUBLE_FREE) | BIT(CHECK_INVALID_FREE) | BIT(CHECK_MISMATCHED_FREE)},
	{"Leak", BIT(CHECK_LEAK) | BIT(CHECK_REACHABLE_AT_EXIT)},
	{"FishyValue", BIT(CHECK_BAD_SIZE)},
};

/* Returns the bits of "Memcheck:Leak" or "Memcheck,Other:Leak"; 0: nothing of ours. */
static u32 memcheck_kinds(const char *line)
{
	const char *colon = strchr(line, ':');

	if (!colon || strncmp(line, "Memcheck", 8) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(memcheck); i++)
		if (strcmp(colon + 1, memcheck[i].name) == 0)
			return memcheck[i].kinds;
	return 0;
}

/* Returns whether the pattern names a function that Valgrind's stacks begin with and ours do not.
 */
static bool is_allocator(const char *name)
{
	static const char *const names[] = {
		"malloc",	 "calloc", "realloc", "memalign", "posix_memalign",
		"aligned_alloc", "free",   "_Zn*",    "_Znw*",	  "_Zna*",
		"_Zd*",		 "_Zdl*",  "_Zda*",   "*alloc"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "_Znw", 4) == 0 || strncmp(name, "_Zna", 4) == 0 ||
	       strncmp(name, "_Zdl", 4) == 0 || strncmp(name, "_Zda", 4) == 0;
}

/* From libiberty/demangle.h, whose ansidecl.h conflicts with the headers here. */
#define DMGL_PARAMS (1 << 0)
#define DMGL_ANSI   (1 << 1)
char *cplus_demangle_v3(const char *mangled, int options);

/* Adds a frame of Valgrind's form. Returns NULL, or what is wrong with it. */
static const char *add_frame(struct row *row, const char *line)
{
	char *text;

	if (strcmp(line, "...") == 0) {
		if (row->frames == FRAMES_MAX)
			return "too many frames";
		row->frames++;
		return NULL;
	}
	if (strncmp(line, "src:", 4) == 0) /* it says less than fun: and obj: */
		return add_frame(row, "obj:*");
	if (strncmp(line, "fun:", 4) != 0 && strncmp(line, "obj:", 4) != 0)
		return row->frames ? "no frame: fun:, obj:, src: or ..." : NULL; /* a parameter */
	if (row->frames == FRAMES_MAX)
		return "too many frames";
	if (line[0] == 'f' && !row->frames && is_allocator(line + 4))
		return NULL;
	text = line[0] == 'f' && strncmp(line + 4, "_Z", 2) == 0
		       ? cplus_demangle_v3(line + 4, DMGL_PARAMS | DMGL_ANSI)
		       : NULL;
	if (!text)
		text = strdup(line + 4);
	if (!text)
		return "no memory";
	row->owned[row->frames] = text;
	row->function[row->frames] = line[0] == 'f' ? text : "*";
	row->module[row->frames++] = line[0] == 'o' ? text : NULL;
	return NULL;
}

/* Makes a pattern for fnmatch of one of LeakSanitizer's, which is found anywhere. */
static char *search_pattern(const char *pattern)
{
	size_t len = strlen(pattern);
	bool from_start = pattern[0] == '^', to_end = len && pattern[len - 1] == '$';
	char *text = NULL;

	if (asprintf(&text, "%s%.*s%s", from_start ? "" : "*",
		     (int)(len - from_start - (to_end && len > 1)), pattern + from_start,
		     to_end ? "" : "*") < 0)
		return NULL;
	return text;
}

/* Returns whether the line is LeakSanitizer's: one word, and no blank behind the colon. */
static bool is_of_lsan(const char *line)
{
	return strncmp(line, "leak:", 5) == 0 && line[5] && !strpbrk(line + 5, " \t|");
}

/* Parses a line that is not empty and no comment. Returns NULL, or what is wrong with it. */
static const char *parse(struct row *row, char *line)
{
	char *colon = strchr(line, ':'), *rest, *word;

	if (is_of_lsan(line)) {
		row->kind = CHECK_LEAK;
		row->search = search_pattern(line + 5);
		return row->search ? NULL : "no memory";
	}
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

/* Takes the blanks and the newline from the end of a line. */
static void trim(char *line)
{
	for (char *end = line + strlen(line); end > line && isspace((u8)end[-1]);)
		*--end = '\0';
}

/*
 * Takes a line of a block: first a name, then the kinds, then frames, at last the brace. A row
 * without kinds of ours matches nothing.
 */
static const char *block_line(struct row *row, u32 *lines, const char *line)
{
	u32 n = (*lines)++;

	if (n == 0)
		return NULL;
	if (n == 1) {
		row->kinds = memcheck_kinds(line) | BIT(0);
		return strchr(line, ':') ? NULL : "no tool and kind";
	}
	if (strcmp(line, "}") == 0 || strncmp(line, "match-leak-kinds:", 17) == 0)
		return NULL;
	return add_frame(row, line);
}

int report_suppressions_read(struct report_suppressions **s, const char *path, const char **why)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	struct row *block = NULL; /* of Valgrind's form, which is being read */
	u32 block_lines = 0;
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
		*why = NULL;
		trim(start);
		if (!*start || *start == '#')
			continue;
		if (block) { /* inside braces */
			*why = block_line(block, &block_lines, start);
			if (strcmp(start, "}") == 0)
				block = NULL;
		} else {
			row = calloc(1, sizeof(*row));
			if (!row || !(row->line = strdup(start))) {
				free(row);
				ret = -ENOMEM;
				break;
			}
			STAILQ_INSERT_TAIL(&(*s)->rows, row, next);
			block_lines = 0;
			if (strcmp(start, "{") == 0)
				block = row;
			else
				*why = parse(row, row->line);
		}
		if (*why)
			ret = number;
	}
	if (!ret && block) {
		*why = "the block has no end";
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

static bool kind_matches(const struct row *row, u32 kind)
{
	if (row->kinds)
		return row->kinds & BIT(kind);
	return !row->kind || row->kind == kind;
}

/* Returns whether any frame has the pattern in its function, its file or its module. */
static bool search_matches(const char *pattern, const struct report_stack *stack)
{
	for (u32 i = 0; i < stack->count; i++)
		if (fnmatch(pattern, stack->frame[i].function, 0) == 0 ||
		    fnmatch(pattern, stack->frame[i].file, 0) == 0 ||
		    fnmatch(pattern, stack->frame[i].module, 0) == 0)
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
		if (kind_matches(row, f->head.kind) &&
		    (row->search ? search_matches(row->search, stack) : frames_match(row, stack))) {
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

/* Returns whether a module is a C library or a loader, whose offsets are those of one build. */
static bool is_libc(const char *module)
{
	const char *name = report_basename(module);

	return strncmp(name, "libc.", 5) == 0 || strncmp(name, "libc-", 5) == 0 ||
	       strncmp(name, "ld-", 3) == 0 || strncmp(name, "libpthread", 10) == 0;
}

/* As put_pattern, but the hash at the end of a Rust function's name is left open. */
static void put_function(FILE *out, const char *name)
{
	size_t len = strlen(name);

	if (len > 19 && strncmp(name + len - 19, "::h", 3) == 0 &&
	    strspn(name + len - 16, "0123456789abcdef") == 16) {
		char *start = strndup(name, len - 19);

		if (start)
			put_pattern(out, start);
		fputs("::h*", out);
		free(start);
		return;
	}
	put_pattern(out, name);
}

/*
 * Returns how many frames a suppression has: two of the program's, or all down to the second one.
 * Frames of the C library that call the program have offsets that differ from build to build.
 */
static u32 generated_frames(const struct report_stack *stack)
{
	u32 own = 0, i;

	for (i = 0; i < stack->count && own < GENERATED_FRAMES; i++) {
		if (!stack->frame[i].function[0] && is_libc(stack->frame[i].module))
			break;
		own++;
	}
	return MAX(i, 1u);
}

void report_suppressions_generate(FILE *out, const struct report_finding *f)
{
	const struct report_stack *stack = report_main_stack(f);

	u32 last = generated_frames(stack);

	fprintf(out, "%s:", report_kind(f->head.kind)->name);
	for (u32 i = 0; i < stack->count && i < last; i++) {
		const struct report_frame *frame = &stack->frame[i];

		fputc(' ', out);
		if (frame->function[0])
			put_function(out, frame->function);
		else if (!frame->module[0] || is_libc(frame->module))
			fputc('*', out);
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
		for (u32 i = 0; i < FRAMES_MAX; i++)
			free(row->owned[i]);
		free(row->search);
		free(row->line);
		free(row);
	}
	free(s);
}
