// SPDX-License-Identifier: MIT
/*
 * The options of `buffervm check` (check.h). Each row tells where its value is stored and how it is
 * parsed.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "check/abi/check.h"
#include "check/report/options.h"
#include "vm/check.h"

struct choice {
	const char *name;
	u32 value;
};

struct row {
	const char *name, *value_name; /* value_name NULL: a flag */
	const char *help;
	/*
	 * Parses and stores the value. Returns 0, or -1 if the value is wrong; the message has
	 * .wanted.
	 */
	int (*read)(struct options *o, const struct row *row, const char *value);
	const char *wanted;
	size_t at;   /* offset in struct options ... */
	bool report; /* ... or, if set, in struct report_options */
	bool optional;
	u32 flag; /* the bit that set_flag sets */
	u64 min, max;
	const struct choice *choice;
};

static struct report_options report;

static void *field(struct options *o, const struct row *row)
{
	return (row->report ? (char *)&report : (char *)o) + row->at;
}

static int set_flag(struct options *o, const struct row *row, const char *value)
{
	(void)value;
	*(u32 *)field(o, row) |= row->flag;
	return 0;
}

static int set_bool(struct options *o, const struct row *row, const char *value)
{
	(void)value;
	*(bool *)field(o, row) = true;
	return 0;
}

static int read_choice(struct options *o, const struct row *row, const char *value)
{
	for (const struct choice *c = row->choice; c->name; c++)
		if (!strcmp(c->name, value)) {
			*(u32 *)field(o, row) = c->value;
			return 0;
		}
	return -1;
}

static int read_number(struct options *o, const struct row *row, const char *value)
{
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (end == value || *end || errno || value[0] < '0' || value[0] > '9' || n < row->min ||
	    n > row->max)
		return -1;
	*(u32 *)field(o, row) = (u32)n;
	return 0;
}

static int read_power(struct options *o, const struct row *row, const char *value)
{
	u32 n;

	if (read_number(o, row, value))
		return -1;
	n = *(u32 *)field(o, row);
	return n & (n - 1) ? -1 : 0;
}

static int read_size(struct options *o, const struct row *row, const char *value)
{
	u64 n = parse_size(value);

	*(u64 *)field(o, row) = n;
	return n ? 0 : -1;
}

static int read_name(struct options *o, const struct row *row, const char *value)
{
	if (!*value)
		return -1;
	*(const char **)field(o, row) = value;
	return 0;
}

/* The value is stored as two flags of check.flags. */
static int read_leaks(struct options *o, const struct row *row, const char *value)
{
	static const struct choice flags[] = {
		{"no", 0},
		{"definite", CHECK_LEAKS},
		{"reachable", CHECK_LEAKS | CHECK_REACHABLE},
		{0},
	};
	u32 *to = field(o, row);

	for (const struct choice *c = flags; c->name; c++)
		if (!strcmp(c->name, value ? value : "definite")) {
			*to = (*to & ~(u32)(CHECK_LEAKS | CHECK_REACHABLE)) | c->value;
			return 0;
		}
	return -1;
}

static int read_sized_delete(struct options *o, const struct row *row, const char *value)
{
	u32 *flags = field(o, row);

	if (strcmp(value, "yes") && strcmp(value, "no"))
		return -1;
	*flags = (*flags & ~(u32)CHECK_SIZED_DELETE) |
		 (strcmp(value, "yes") ? 0 : CHECK_SIZED_DELETE);
	return 0;
}

static int read_core(struct options *o, const struct row *row, const char *value)
{
	if (value && (!*value || strlen(value) >= CHECK_CORE_PATTERN_MAX))
		return -1;
	if (value)
		*(const char **)field(o, row) = value;
	o->check.flags |= CHECK_CORE;
	return 0;
}

static int read_html(struct options *o, const struct row *row, const char *value)
{
	o->check.flags |= CHECK_TIMELINE;
	return read_name(o, row, value);
}

static int add_suppressions(struct options *o, const struct row *row, const char *value)
{
	(void)o;
	(void)row;
	if (!*value || report.suppressions_count == ARRAY_SIZE(report.suppressions))
		return -1;
	report.suppressions[report.suppressions_count++] = value;
	return 0;
}

static const struct choice levels[] = {
	{"auto", CHK_LEVEL_AUTO},    {"page", CHK_LEVEL_PAGE},	     {"alias", CHK_LEVEL_ALIAS},
	{"packed", CHK_LEVEL_ALIAS}, {"sampled", CHK_LEVEL_SAMPLED}, {0},
};

static const struct choice guards[] = {
	{"before", CHK_GUARD_BEFORE},
	{"after", CHK_GUARD_AFTER},
	{"both", CHK_GUARD_BEFORE | CHK_GUARD_AFTER},
	{0},
};

static const struct choice colors[] = {
	{"auto", REPORT_COLOR_AUTO},
	{"always", REPORT_COLOR_ALWAYS},
	{"never", REPORT_COLOR_NEVER},
	{0},
};

static const struct choice formats[] = {
	{"text", REPORT_FORMAT_TEXT},
	{"gcc", REPORT_FORMAT_GCC},
	{"valgrind", REPORT_FORMAT_VALGRIND},
	{0},
};

#define TEXT_(x)  #x
#define TEXT(x)	  TEXT_(x)
#define AT(f)	  .at = offsetof(struct options, f)
#define REPORT(f) .at = offsetof(struct report_options, f), .report = true

static const struct row rows[] = {
	{"level", "LEVEL", "how objects are guarded: auto, page, alias (packed), sampled",
	 read_choice, "auto, page, alias, packed or sampled", AT(check.level), .choice = levels},
	{"sample", "N", "with --level=sampled: guard one object in N (default 1000)", read_number,
	 "a number from 1 to 1000000000", AT(check.sample), .min = 1, .max = 1000000000},
	{"align", "N", "least alignment of guarded objects: 1, 2, 4, 8 or 16 (default)", read_power,
	 "1, 2, 4, 8 or 16", AT(check.align), .min = 1, .max = 16},
	{"guard", "SIDE",
	 "where unmapped pages are: before, after or both (default: see the manual)", read_choice,
	 "before, after or both", AT(check.guard), .choice = guards},
	{"heap-mem", "SIZE", "RAM for page mode; beyond it objects are packed", read_size,
	 "a size (K, M, G)", AT(check.budget)},
	{"depth", "N", "frames of a stack that are kept (default 20)", read_number,
	 "a number from 1 to " TEXT(CHECK_DEPTH_MAX), AT(check.depth), .min = 1,
	 .max = CHECK_DEPTH_MAX},
	{"keep-going", NULL, "report a bug and let the program run on", set_flag, NULL,
	 AT(check.flags), .flag = CHECK_KEEP_GOING},
	{"leaks", "WHICH", "at exit: no (default), definite (if no value is given), reachable too",
	 read_leaks, "definite, reachable or no", AT(check.flags), .optional = true},
	{"error-exitcode", "N",
	 "exit status when a bug was reported (default " TEXT(CHECK_EXITCODE) "); 0: the program's",
	 read_number, "a number from 0 to 255", AT(check.exitcode), .min = 0, .max = 255},
	{"sized-delete", "YES", "compare the size and alignment given to delete: yes (default), no",
	 read_sized_delete, "yes or no", AT(check.flags)},
	{"core", "PATTERN", "write an ELF core at a bug (default name " CHECK_CORE_PATTERN ")",
	 read_core, "a file name pattern of at most 127 bytes, see core(5)", AT(core_pattern),
	 .optional = true},
	{"json", "FILE", "write the reports as JSON", read_name, "a file name", REPORT(json)},
	{"sarif", "FILE", "write the reports as SARIF", read_name, "a file name", REPORT(sarif)},
	{"html", "FILE", "write the reports as a page for a browser", read_html, "a file name",
	 REPORT(html)},
	{"xml", "FILE", "write the reports as Valgrind's XML, protocol 4", read_name, "a file name",
	 REPORT(xml)},
	{"format", "FORM", "of the text: text (default), gcc (a line for each bug), valgrind",
	 read_choice, "text, gcc or valgrind", REPORT(format), .choice = formats},
	{"log-file", "FILE", "write the reports there instead of to stderr", read_name,
	 "a file name", REPORT(log_file)},
	{"suppressions", "FILE", "bugs that are known; may be repeated", add_suppressions,
	 "a file name, at most " TEXT(REPORT_SUPPRESSIONS_MAX) " times", .at = 0},
	{"gen-suppressions", NULL, "print a ready-made suppression with each report", set_bool,
	 NULL, REPORT(gen_suppressions)},
	{"registers", NULL, "print registers and the instruction", set_bool, NULL,
	 REPORT(registers)},
	{"color", "WHEN", "auto (default), always or never", read_choice, "auto, always or never",
	 REPORT(color), .choice = colors},
	{"quiet", NULL, "no summary at the end", set_bool, NULL, REPORT(quiet)},
};
_Static_assert(ARRAY_SIZE(rows) == CHECK_OPTIONS, "the header says how many there are");

void check_options_table(struct option *to)
{
	for (int i = 0; i < CHECK_OPTIONS; i++)
		to[i] = (struct option){
			.name = rows[i].name,
			.has_arg = !rows[i].value_name ? no_argument
				   : rows[i].optional  ? optional_argument
						       : required_argument,
			.val = CHECK_OPTION_FIRST + i,
		};
}

void check_options_init(struct options *o)
{
	o->check = (struct check_config){
		.flags = CHECK_ON | CHECK_SIZED_DELETE,
		.level = CHK_LEVEL_AUTO,
		.align = 16,
		.depth = 20,
		.exitcode = CHECK_EXITCODE,
	};
	o->core_pattern = CHECK_CORE_PATTERN;
	o->report = &report;
}

int check_option(struct options *o, int c, const char *value)
{
	const struct row *row = &rows[c - CHECK_OPTION_FIRST];

	if (row->read(o, row, value) == 0)
		return 0;
	message("--%s=%s: wanted is %s", row->name, value, row->wanted);
	return EXIT_USAGE;
}

int check_options_done(struct options *o)
{
	if (o->check.sample && o->check.level != CHK_LEVEL_SAMPLED) {
		message("--sample is for --level=sampled");
		return EXIT_USAGE;
	}
	/* Where the user does not say, auto throws a coin. */
	if (!o->check.guard && o->check.level != CHK_LEVEL_AUTO)
		o->check.guard = CHK_GUARD_AFTER;
	if (!o->check.sample)
		o->check.sample = 1000;
	/* The reporter unwinds stacks from registers: no deeper than the library's own stacks. */
	report.depth = o->check.depth;
	/* no-color.org: any value but an empty one; --color=always is the user's last word. */
	if (report.color == REPORT_COLOR_AUTO && getenv("NO_COLOR") && *getenv("NO_COLOR"))
		report.color = REPORT_COLOR_NEVER;
	return 0;
}

void check_options_program(const char *name)
{
	report.program = name;
}

void check_options_help(FILE *to)
{
	for (u32 i = 0; i < CHECK_OPTIONS; i++) {
		const struct row *row = &rows[i];
		char left[64];

		snprintf(left, sizeof(left), row->optional ? "--%s[=%s]" : "--%s%s%s", row->name,
			 !row->value_name ? ""
			 : row->optional  ? row->value_name
					  : "=",
			 row->value_name ? row->value_name : "");
		fprintf(to, "  %-22s %s\n", left, row->help);
	}
}
