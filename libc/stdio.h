/* SPDX-License-Identifier: MIT */
/*
 * Formatted text into a buffer. Conversions: d i u x X o c s p %, with the flags - 0 + space #,
 * width and precision (numbers or *), and the lengths hh h l ll z t j. Floating point is missing,
 * because it needs registers that the kernel must not use. An unknown conversion is copied to the
 * output unchanged.
 */
#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Return the length of the whole text. If size > 0, at most the first size - 1 bytes of the text
 * are stored, followed by a NUL.
 */
int snprintf(char *restrict to, size_t size, const char *restrict fmt, ...)
	__attribute__((format(printf, 3, 4)));
int vsnprintf(char *restrict to, size_t size, const char *restrict fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

#endif
