/* SPDX-License-Identifier: MIT */
/*
 * The two parts of `buffervm check` that main.c calls: its options, which come from one table that
 * makes their parsing and their help, and the reporter (check/report/main.c), a process beside the
 * monitor that turns the guest's reports into text, JSON, SARIF and a page. A build without check
 * (CHECK_BUILT is 0) has none of these functions.
 */
#ifndef VM_CHECK_H
#define VM_CHECK_H

#include <getopt.h>
#include <stdio.h>
#include "vm/vm.h"

struct report_options;

#define CHECK_OPTIONS	   22
#define CHECK_OPTION_FIRST 512 /* getopt_long returns this value for the first, and so on */

/* Writes the rows of all options, for getopt_long, to to[0 .. CHECK_OPTIONS - 1]. */
void check_options_table(struct option *to);
/* Sets all options to their defaults. Called before the first check_option. */
void check_options_init(struct options *o);
/*
 * Sets the option for which getopt_long returned c. value is NULL if none was given. Returns 0, or
 * EXIT_USAGE after a message.
 */
int check_option(struct options *o, int c, const char *value);
/*
 * Checks the options against each other and sets what depends on several of them. Called after the
 * last check_option. Returns 0, or EXIT_USAGE after a message.
 */
int check_options_done(struct options *o);
/* Notes the program's name as the user gave it, for the reports. */
void check_options_program(const char *name);
/*
 * Returns whether the monitor was started as buffervm-check. Then check_command_arguments returns
 * the arguments that `buffervm` would have got, *count of them; NULL without memory.
 */
bool check_is_command(const char *name);
char **check_command_arguments(int argc, char **argv, int *count);
/* Prints one line for each option. */
void check_options_help(FILE *to);

/*
 * Starts the reporter and waits until it has opened its outputs. text_fd is the user's standard
 * error, or -1. Called before KVM is opened and while the monitor has one thread, because it forks;
 * the monitor makes no other process. Returns 0, or an exit_status after a message.
 */
int reporter_start(const struct report_options *o, int text_fd);
/*
 * Called when the sandbox has ended: waits until the outputs are complete. Does nothing if there is
 * no reporter.
 */
void reporter_end(void);

#endif
