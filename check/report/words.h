/* SPDX-License-Identifier: MIT */
/* The sentences of a report, the same in every output. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <stdio.h>
#include "check/report/finding.h"

/*
 * What happened, in one line without a full stop: "read of 4 bytes at 0x20000000f008, 8 bytes
 * inside an object of 32 bytes that was freed".
 */
void report_words_title(FILE *out, const struct report_finding *f);

/*
 * A further line that explains the address ("offset 16 from a NULL pointer", ...). Writes nothing
 * where the title says it all.
 */
void report_words_explanation(FILE *out, const struct report_finding *f);

/* Heading of a stack: "freed by free in thread 12"; without a colon. NULL stack: nothing. */
void report_words_stack(FILE *out, const struct report_finding *f, u32 stack);

/* "#0"'s text: "f at x.c:12", "f in libc.so.6+0x1234", "prog+0x1234". */
void report_words_frame(FILE *out, const struct report_frame *frame);

/* "... 120 more frames of f" for what is left out behind a frame; nothing for none. */
void report_words_elided(FILE *out, const struct report_stack *stack, u32 index);

/* Last part of a path. */
const char *report_basename(const char *path);

#endif
