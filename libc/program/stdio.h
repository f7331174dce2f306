/* SPDX-License-Identifier: MIT */
/* Formatted output of freestanding programs: no streams, each call is one write(2). */
#ifndef LIBC_PROGRAM_STDIO_H
#define LIBC_PROGRAM_STDIO_H

#include "libc/stdio.h"

/* At most this many bytes of a text are written; the rest is cut. */
#define PRINTF_MAX 1024

int printf(const char *restrict fmt, ...) __attribute__((format(printf, 1, 2)));
int dprintf(int fd, const char *restrict fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
