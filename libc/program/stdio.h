/* SPDX-License-Identifier: MIT */
/* Formatted output of freestanding programs. There are no streams: each call is one write(2). */
#ifndef LIBC_PROGRAM_STDIO_H
#define LIBC_PROGRAM_STDIO_H

#include "libc/stdio.h"

/* A text is cut to this size, with its NUL, which is not written. */
#define PRINTF_MAX 1024

int printf(const char *restrict fmt, ...) __attribute__((format(printf, 1, 2)));
int dprintf(int fd, const char *restrict fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
