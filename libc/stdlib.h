/* SPDX-License-Identifier: MIT */
/*
 * Numbers from text, as in C but without errno. A value that does not fit gives the largest (or
 * smallest) one. *end is the end of the number; *end == s: there was no number. base: 2 to 36, or 0
 * to use the prefixes 0x and 0.
 */
#ifndef LIBC_STDLIB_H
#define LIBC_STDLIB_H

#include <stddef.h>

unsigned long strtoul(const char *restrict s, char **restrict end, int base);
long strtol(const char *restrict s, char **restrict end, int base);
unsigned long long strtoull(const char *restrict s, char **restrict end, int base);
long long strtoll(const char *restrict s, char **restrict end, int base);
int atoi(const char *s);

#endif
