// SPDX-License-Identifier: MIT
/* The options of the outputs (observe.h), and their start and end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "vm/observe/observe.h"

#define LENGTH_USUAL 32

enum value { NONE = no_argument, NEEDED = required_argument, MAYBE = optional_argument };

struct row {
	const char *name, *value_name;
	enum value value;
	/*
	 * Stores the value. Returns 0, or -1 if it is wrong: then the message has .wanted; NULL
	 * there: the function has said why.
	 */
	int (*read)(struct options *o, const char *value);
	const char *wanted;
	const char *help;
};

static int read_trace(struct options *o, const char *value)
{
	o->trace = true;
	o->trace_file = value;
	return value && !*value ? -1 : 0;
}

static int read_trace_filter(struct options *o, const char *value)
{
	const char *unknown;

	memset(o->trace_info.calls, 0, sizeof(o->trace_info.calls));
	unknown = trace_filter(value, o->trace_info.calls);
	o->trace_filtered = true;
	if (unknown)
		message("--trace-filter: %s is neither a class nor a system call", unknown);
	return unknown ? -1 : 0;
}

static int read_trace_length(struct options *o, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n > BOOT_TRACE_LENGTH_MAX)
		return -1;
	o->trace_info.length = (u32)n;
	o->trace_length_given = true;
	return 0;
}

#define TRACE_FLAG(name, flag)                                                                     \
	static int set_##name(struct options *o, const char *value)                                \
	{                                                                                          \
		(void)value;                                                                       \
		o->trace_info.flags |= flag;                                                       \
		return 0;                                                                          \
	}
TRACE_FLAG(paths, BOOT_TRACE_PATHS)
TRACE_FLAG(time, BOOT_TRACE_TIME)
TRACE_FLAG(summary, BOOT_TRACE_SUMMARY)

/* --files=N, a number, is the limit that --open-files sets: its name in 0.1.0. */
static int read_files(struct options *o, const char *value)
{
	char *end;
	unsigned long n;

	if (value && !*value)
		return -1;
	if (value && value[strspn(value, "0123456789")] == '\0') {
		errno = 0;
		n = strtoul(value, &end, 10);
		if (!n || errno || n > UINT32_MAX)
			return -1;
		o->files = (u32)n;
		return 0;
	}
	o->files_report = true;
	o->files_file = value;
	return 0;
}

static int read_open_files(struct options *o, const char *value)
{
	return value[strspn(value, "0123456789")] == '\0' ? read_files(o, value) : -1;
}

static int read_stats(struct options *o, const char *value)
{
	static const char *const name[] = {[STATS_PEOPLE] = "",
					   [STATS_ALL] = "all",
					   [STATS_KVM] = "kvm",
					   [STATS_JSON] = "json"};

	for (u32 form = STATS_PEOPLE; form < ARRAY_SIZE(name); form++) {
		if (strcmp(value ? value : "", name[form]) || (value && !*value))
			continue;
		o->stats = form;
		return 0;
	}
	return -1;
}

static int read_status_fd(struct options *o, const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n > INT32_MAX)
		return -1;
	o->status_fd = (int)n;
	o->status_fd_given = true;
	return 0;
}

static int read_status_file(struct options *o, const char *value)
{
	o->status_file = value;
	return *value ? 0 : -1;
}

/* clang-format off */
static const struct row rows[] = {
	{"trace", "FILE", MAYBE, read_trace, "a file's name, or no value",
	 "print each system call, on stderr or to FILE (%p: a file for each process)"},
	{"trace-filter", "LIST", NEEDED, read_trace_filter, NULL,
	 "only these: names, and classes: file, desc, network, process, ..."},
	{"trace-paths", NULL, NONE, set_paths, NULL, "descriptors with their paths"},
	{"trace-time", NULL, NONE, set_time, NULL, "when each call began, and how long it took"},
	{"trace-length", "N", NEEDED, read_trace_length, "a number from 0 to 8192",
	 "bytes of each string that are shown (32)"},
	{"trace-summary", NULL, NONE, set_summary, NULL,
	 "a table of calls, errors and time at the end, in place of lines"},
	{"files", "FILE", MAYBE, read_files, "a file's name, a number, or no value",
	 "at the end, which files and addresses were used; to FILE as JSON"},
	{"open-files", "N", NEEDED, read_open_files, "a number from 1 on",
	 "most open files its processes may have together (65536)"},
	{"stats", "FORM", MAYBE, read_stats, "all, kvm, json, or no value",
	 "at the end, times, memory, bytes; all, kvm: every counter; json"},
	{"status-fd", "N", NEEDED, read_status_fd, "a descriptor's number",
	 "JSON objects on this descriptor, a line each, at start and end"},
	{"status-file", "FILE", NEEDED, read_status_file, "a file's name", "the same, to FILE"},
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(rows) <= OBSERVE_OPTIONS, "main.c has space for the table");

void observe_options_table(struct option *to)
{
	for (u32 i = 0; i < OBSERVE_OPTIONS; i++) {
		const struct row *row = &rows[MIN(i, (u32)ARRAY_SIZE(rows) - 1)];

		to[i] = (struct option){row->name, row->value, NULL,
					OBSERVE_OPTION_FIRST +
						(int)MIN(i, (u32)ARRAY_SIZE(rows) - 1)};
	}
}

int observe_option(struct options *o, int c, const char *value)
{
	const struct row *row = &rows[c - OBSERVE_OPTION_FIRST];

	if (row->read(o, value) == 0)
		return 0;
	if (row->wanted)
		message("--%s=%s: %s is wanted (see --help)", row->name, value ? value : "",
			row->wanted);
	return EXIT_USAGE;
}

void observe_options_help(FILE *to)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		char text[40];

		snprintf(text, sizeof(text), "--%s%s%s%s", row->name,
			 row->value == MAYBE ? "[" : "", row->value_name ? "=" : "",
			 row->value_name ? row->value_name : "");
		fprintf(to, "  %s%-*s %s\n", text, MAX(0, 22 - (int)strlen(text)),
			row->value == MAYBE ? "]" : "", row->help);
	}
}

/* Only what cannot be what the user means is an error. */
int observe_options_done(struct options *o)
{
	struct boot_trace *t = &o->trace_info;
	const char *alone = t->flags & BOOT_TRACE_PATHS	    ? "--trace-paths"
			    : t->flags & BOOT_TRACE_TIME    ? "--trace-time"
			    : t->flags & BOOT_TRACE_SUMMARY ? "--trace-summary"
			    : o->trace_filtered		    ? "--trace-filter"
			    : o->trace_length_given	    ? "--trace-length"
							    : NULL;

	if (!o->trace && alone) {
		message("%s without --trace: nothing is traced", alone);
		return EXIT_USAGE;
	}
	if (t->flags & BOOT_TRACE_SUMMARY && t->flags & (BOOT_TRACE_PATHS | BOOT_TRACE_TIME)) {
		message("--trace-summary and %s: a table has no lines for it",
			t->flags & BOOT_TRACE_PATHS ? "--trace-paths" : "--trace-time");
		return EXIT_USAGE;
	}
	if (o->status_fd_given && o->status_file) {
		message("--status-fd and --status-file: give one of them");
		return EXIT_USAGE;
	}
	if (!o->trace_length_given)
		t->length = LENGTH_USUAL;
	if (!o->trace_filtered)
		memset(t->calls, 0xff, sizeof(t->calls));
	if (o->trace_file && strstr(o->trace_file, "%p")) {
		if (t->flags & BOOT_TRACE_SUMMARY) {
			message("--trace-summary: there is one table for all processes, so no %%p");
			return EXIT_USAGE;
		}
		/* The files of later processes are made when the walls stand. */
		if (o->policy) {
			message("--trace=%s: %%p is not possible with run", o->trace_file);
			return EXIT_USAGE;
		}
		t->flags |= BOOT_TRACE_EACH;
	}
	if (o->trace_file)
		t->flags |= BOOT_TRACE_FILE;
	return 0;
}

bool observe_wants_account(const struct sandbox *s)
{
	return s->opt.stats == STATS_PEOPLE || s->opt.stats == STATS_JSON ||
	       s->opt.status_fd_given || s->opt.status_file;
}

int observe_start(struct sandbox *s)
{
	int ret;

	stats_begin();
	ret = status_open(s);
	if (!ret)
		ret = trace_open(s);
	if (!ret)
		ret = files_open(s);
	return ret;
}

void observe_end(struct sandbox *s, int how)
{
	if (how < 0) {
		if (s->opt.files_report)
			files_report(s);
		if (s->opt.stats == STATS_PEOPLE)
			stats_report_people(s);
		if (s->opt.stats == STATS_JSON)
			stats_report_json(s, how);
	}
	status_end(s, how);
}
