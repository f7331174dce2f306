/* SPDX-License-Identifier: MIT */
/*
 * Strings and memory for code without a C library: the guest kernel and the freestanding example
 * program. The functions are those of the C standard, POSIX and BSD; their manual pages are the
 * contracts. All are reentrant; none allocates memory or uses vector registers.
 */
#ifndef LIBC_STRING_H
#define LIBC_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
void *memrchr(const void *s, int byte, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strchrnul(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *needle);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);

/*
 * OpenBSD's strlcpy(3) and strlcat(3). If size > 0, the result has a NUL. They return the length
 * that the whole result would have; a value >= size means that it was cut. (strlcat: if to has no
 * NUL in its first size bytes, it is not changed.)
 */
size_t strlcpy(char *to, const char *from, size_t size);
size_t strlcat(char *to, const char *from, size_t size);

#endif
