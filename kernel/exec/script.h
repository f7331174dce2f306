/* SPDX-License-Identifier: MIT */
/* The first line of a script: "#! interpreter [argument]". Pure logic, as Linux's binfmt_script. */
#ifndef KERNEL_EXEC_SCRIPT_H
#define KERNEL_EXEC_SCRIPT_H

#include "common/types.h"

#define SCRIPT_LINE_MAX 256 /* Linux's BINPRM_BUF_SIZE: more of the line is not looked at */

struct script_line {
	char interp[SCRIPT_LINE_MAX];
	char arg[SCRIPT_LINE_MAX]; /* all that follows the interpreter, as one string */
	bool has_arg;
};

/*
 * head: the first len bytes of the file, at most SCRIPT_LINE_MAX of them are used. 1: a script,
 * *line is filled in. 0: does not begin with "#!". -ENOEXEC: no interpreter in the line, or its
 * path is cut off.
 */
int script_parse(struct script_line *line, const void *head, u64 len);

#endif
