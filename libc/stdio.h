/* SPDX-License-Identifier: MIT */
/*
 * Formatted text into a buffer. Conversions: d i u x X o c s p %, with the flags - 0 + space #,
 * width and precision (numbers or *), and the lengths hh h l ll z t j. No floating point: it would
 * need registers that the kernel must not touch. An unknown conversion is copied as it stands.
 */
#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Return the length the whole text has; what does not fit size - 1 bytes is cut, and the result
 * is terminated when size > 0.
 */
int snprintf(char *restrict to, size_t size, const char *restrict fmt, ...)
	__attribute__((format(printf, 3, 4)));
int vsnprintf(char *restrict to, size_t size, const char *restrict fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

#endif
