/* SPDX-License-Identifier: MIT */
/* The first line of a script: "#! interpreter [argument]". Pure logic. */
#ifndef KERNEL_EXEC_SCRIPT_H
#define KERNEL_EXEC_SCRIPT_H

#include "common/types.h"

#define SCRIPT_LINE_MAX 256 /* Linux's BINPRM_BUF_SIZE: only so many bytes are parsed */

struct script_line {
	char interp[SCRIPT_LINE_MAX];
	char arg[SCRIPT_LINE_MAX]; /* all that follows the interpreter, as one string */
	bool has_arg;
};

/*
 * Parses the first line. head: the first len bytes of the file, of which at most SCRIPT_LINE_MAX
 * are used. Returns 1 and fills in *line for a script, 0 if the file does not begin with "#!", and
 * -ENOEXEC if the line names no interpreter or the interpreter's path is cut off.
 */
int script_parse(struct script_line *line, const void *head, u64 len);

#endif
