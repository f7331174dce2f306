/* SPDX-License-Identifier: MIT */
/*
 * What a run tells about itself beside the program's own output: the system-call trace (--trace),
 * the files and addresses that it used (--files), its counters (--stats), and the status objects
 * for a caller (--status-fd, --status-file). options.c has their options in one table, and each
 * output has a file of its own.
 *
 * A failing output never ends the run: it is reported once, and the program's output and status
 * stay what they are. Only what cannot be opened at the start is an error.
 */
#ifndef VM_OBSERVE_H
#define VM_OBSERVE_H

#include <getopt.h>
#include <stdio.h>
#include "vm/vm.h"

struct call;

enum stats_form {
	STATS_NONE,
	STATS_PEOPLE, /* ten lines */
	STATS_ALL,    /* every counter of the kernel's and of KVM's */
	STATS_KVM,    /* KVM's alone */
	STATS_JSON,
};

/*
 * options.c. getopt_long returns OBSERVE_OPTION_FIRST for the first row, and so on. The functions
 * are those of vm/check.h with the same meaning.
 */
#define OBSERVE_OPTIONS	     14
#define OBSERVE_OPTION_FIRST 768
void observe_options_table(struct option *to);
int observe_option(struct options *o, int c, const char *value);
int observe_options_done(struct options *o);
void observe_options_help(FILE *to);

/*
 * Opens all outputs and starts what has to run from the start. Called once, before the VM exists.
 * Returns 0, or an exit_status after a message.
 */
int observe_start(struct sandbox *s);
/*
 * Writes what is written at the end. how is the exit_status of a run that did not begin, or -1:
 * s->end_status tells. May be called without observe_start, if that was not reached.
 */
void observe_end(struct sandbox *s, int how);

/* Returns true if the kernel has to give its account at the end (hostcall end_info). */
bool observe_wants_account(const struct sandbox *s);

/*
 * trace_filter.c: sets the bits of the calls that a list such as "file,!openat" means. Returns
 * NULL, or the word that is neither a class nor a system call.
 */
const char *trace_filter(const char *list, u64 calls[BOOT_TRACE_CALLS / 64]);
void trace_filter_help(FILE *to); /* names the classes */
/* Returns the name of a system call, or NULL. */
const char *syscall_name(u64 nr);

/* trace_out.c: opens the file of --trace=FILE. Returns 0, or an exit_status after a message. */
int trace_open(struct sandbox *s);

/*
 * files.c, for --files. files_before looks at a hostcall before it is made, and files_after notes
 * what it did. Only hostcalls that may not be exitless are of interest.
 */
struct files_note {
	bool existed; /* what an open with O_CREAT would make was there before */
};
void files_before(const struct call *c, struct files_note *note);
void files_after(const struct call *c, const struct files_note *note, s64 result);
int files_open(struct sandbox *s);
void files_report(struct sandbox *s);

/* stats.c: what the kernel and the monitor counted. */
struct run_totals {
	double wall_s, user_s, system_s;
	u64 peak_bytes; /* of host memory */
	u64 exits, hostcalls;
	struct hostcall_end_info kernel; /* all zero if the kernel did not come to its end */
	bool complete;			 /* it did */
};
void stats_begin(void);
void stats_totals(struct sandbox *s, struct run_totals *to);
void stats_report_people(struct sandbox *s);

/* status.c */
int status_open(struct sandbox *s);
void status_end(struct sandbox *s, int how);
/* Prints the counters as JSON (--stats=json) on standard error. */
void stats_report_json(struct sandbox *s, int how);

/*
 * Opens a file for writing, at a number that leaves the low ones to the guest. Returns the
 * descriptor, or -1 after a message that begins with the option's name.
 */
int observe_create(const char *option, const char *path, int flags);
/* Writes all bytes. Returns 0 or -errno. */
int observe_write(int fd, const char *text, size_t len);

#endif
