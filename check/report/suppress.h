/* SPDX-License-Identifier: MIT */
/*
 * Suppressions: which reports the user does not want. A file of lines:
 *
 *   # comment
 *   KIND: FRAME...
 *
 * KIND is a kind's name (check/report/kind.c) or *. Each FRAME is FUNCTION, FUNCTION|MODULE or
 * |MODULE, where FUNCTION and MODULE are patterns as of the shell (* ? [...]) without blanks:
 * FUNCTION for the demangled name (or +0xOFFSET where there is none), MODULE for the path of the
 * file or its last part. The frames must be the innermost ones of the stack of the access (of the
 * allocation for leaks), one after the other; "..." stands for any number of frames. A KIND without
 * frames suppresses all of the kind.
 */
#ifndef REPORT_SUPPRESS_H
#define REPORT_SUPPRESS_H

#include <stdio.h>
#include "check/report/finding.h"

struct report_suppressions;

/*
 * Reads the file at path and adds its lines to *s (NULL at first). 0; -errno when it cannot be
 * read; or the number of the first line that is wrong, and *why is a text.
 */
int report_suppressions_read(struct report_suppressions **s, const char *path, const char **why);

/*
 * The finding is suppressed: its row's count goes up. s may be NULL. What glibc keeps for itself in
 * static programs always is.
 */
bool report_suppressions_match(struct report_suppressions *s, const struct report_finding *f);

/* Writes a line, without its end, that matches this finding and its like: kind and two frames. */
void report_suppressions_generate(FILE *out, const struct report_finding *f);

void report_suppressions_free(struct report_suppressions *s);

#endif
