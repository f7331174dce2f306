/* SPDX-License-Identifier: MIT */
/*
 * The options of `buffervm check`: a table, from which come their parsing and their help. main.c
 * puts its rows behind the options that every run has.
 */
#ifndef VM_CHECK_OPTIONS_H
#define VM_CHECK_OPTIONS_H

#include <getopt.h>
#include <stdio.h>
#include "vm/vm.h"

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

#endif
