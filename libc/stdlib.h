/* SPDX-License-Identifier: MIT */
/*
 * Numbers from text. As in C, but errno does not exist here: a value that does not fit gives the
 * largest (or smallest) one, and *end tells how far the number went (*end == s: there was none).
 * base: 0 (0x and 0 prefixes count) or 2 to 36.
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
