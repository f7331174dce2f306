/* SPDX-License-Identifier: MIT */
/*
 * `buffervm check` as main.c sees it: its options, a table from which come their parsing and their
 * help, and the reporter (check/report/main.c), a process beside the monitor that turns reports
 * into words. A build without check (CHECK_BUILT is 0) has none of these functions.
 */
#ifndef VM_CHECK_H
#define VM_CHECK_H

#include <getopt.h>
#include <stdio.h>
#include "vm/vm.h"

struct report_options;

#define CHECK_OPTIONS	   19
#define CHECK_OPTION_FIRST 512 /* values that getopt_long returns for them: from here on */

/* Writes the rows of all options to to[0 .. CHECK_OPTIONS - 1]. */
void check_options_table(struct option *to);
/* What is asked for when nothing is said. Before the first check_option. */
void check_options_init(struct options *o);
/* Option c with this value (NULL: none was given). 0, or EXIT_USAGE after a message. */
int check_option(struct options *o, int c, const char *value);
/* After the last one: do they fit together? 0, or EXIT_USAGE after a message. */
int check_options_done(struct options *o);
/* A line or two for each. */
void check_options_help(FILE *to);

/*
 * Starts the reporter and waits until it has opened its outputs. To be called before KVM is opened
 * and while there is one thread: it is the only process the monitor makes. text_fd: the user's
 * standard error, or -1. 0, or an exit_status after a message.
 */
int reporter_start(const struct report_options *o, int text_fd);
/* The sandbox has ended: waits until the outputs are complete. Harmless without a reporter. */
void reporter_end(void);

#endif
