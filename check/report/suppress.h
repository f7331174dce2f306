/* SPDX-License-Identifier: MIT */
/*
 * Suppressions tell which reports the user does not want. A file has lines of this form:
 *
 *   # comment
 *   KIND: FRAME...
 *
 * KIND is a kind's name (check/report/kind.c) or *. Each FRAME is FUNCTION, FUNCTION|MODULE or
 * |MODULE, where FUNCTION and MODULE are patterns like those of the shell (* ? [...]) without
 * blanks. FUNCTION is matched with the demangled name, or with +0xOFFSET if there is none; MODULE
 * with the path of the file or its last part. The frames must be the innermost ones, without gaps,
 * of the stack of the access; for leaks and other bugs that are found late, of the stack of the
 * allocation. "..." stands for any number of frames. A KIND without frames suppresses all reports
 * of the kind.
 *
 * Two other forms are understood, so that a project's files can be used as they are. In
 * LeakSanitizer's
 *
 *   leak:PATTERN
 *
 * without a blank behind the colon, the pattern (* , ^ and $) is searched for in the function, the
 * file and the module of each frame of a leak. Valgrind's form is a block of lines in braces: a
 * name, the tool and kind (Memcheck:Leak), and frames (fun:NAME, obj:FILE, src:FILE:LINE, ...),
 * innermost first.
 */
#ifndef REPORT_SUPPRESS_H
#define REPORT_SUPPRESS_H

#include <stdio.h>
#include "check/report/finding.h"

struct report_suppressions;

/*
 * Reads the file at path and adds its lines to *s, which is NULL at first. Returns 0, -errno if the
 * file cannot be read, or the number of the first line that is wrong, with a message in *why.
 */
int report_suppressions_read(struct report_suppressions **s, const char *path, const char **why);

/*
 * Returns whether the finding is suppressed, and counts that in the row that matches. Objects that
 * glibc keeps for itself in static programs are always suppressed. s may be NULL.
 */
bool report_suppressions_match(struct report_suppressions *s, const struct report_finding *f);

/*
 * Writes a suppression that matches this finding and similar ones: the kind and two frames, without
 * a newline.
 */
void report_suppressions_generate(FILE *out, const struct report_finding *f);

void report_suppressions_free(struct report_suppressions *s);

#endif
