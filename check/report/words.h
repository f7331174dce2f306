/* SPDX-License-Identifier: MIT */
/* The sentences of a report, which are the same in every output. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <stdio.h>
#include "check/report/finding.h"

/*
 * Writes what happened, in one line without a full stop: "read of 4 bytes at 0x20000000f008, 8
 * bytes inside an object of 32 bytes that was freed".
 */
void report_words_title(FILE *out, const struct report_finding *f);

/*
 * Writes a further line that explains the address ("the stack pointer is 0x7ffe0010", ...), or
 * nothing if there is nothing to add to the title.
 */
void report_words_explanation(FILE *out, const struct report_finding *f);

/* Writes the heading of stack (REPORT_STACK_*): "freed by free in thread 12", without a colon. */
void report_words_stack(FILE *out, const struct report_finding *f, u32 stack);

/* Writes a frame: "f at x.c:12", "f in libc.so.6+0x1234" or "prog+0x1234". */
void report_words_frame(FILE *out, const struct report_frame *frame);
/* Writes a function's name without the default arguments of the C++ library's templates. */
void report_words_name(FILE *out, const char *name);

/* Writes "... 120 more frames of f" if frames are left out behind frame index, else nothing. */
void report_words_elided(FILE *out, const struct report_stack *stack, u32 index);

/* Returns the last part of a path. */
const char *report_basename(const char *path);

#endif
