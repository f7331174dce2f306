// SPDX-License-Identifier: MIT
/*
 * The functions of string.h, except those that the host's C library may lack (strlcpy.c).
 *
 * Copies and fills of most sizes are one string instruction (ERMS, FSRM). Its microcode moves whole
 * cache lines, needs no vector registers, which the kernel must not use, and can be interrupted
 * after any byte.
 */
#include "libc/string.h"
#include "common/types.h"

/* Otherwise GCC replaces the loops below by calls of the functions that contain them. */
#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

static uint64_t load8(const void *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static void store8(void *p, uint64_t v)
{
	__builtin_memcpy(p, &v, sizeof(v));
}

/* So few bytes are copied as two words, which may overlap: a string instruction is slower. */
static int is_two_words(size_t n)
{
	return n >= 8 && n <= 16;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *out = to;

	if (is_two_words(n)) {
		uint64_t head = load8(from), tail = load8((const char *)from + n - 8);

		store8(to, head);
		store8((char *)to + n - 8, tail);
		return out;
	}
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return out;
}

void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	/* The difference is unsigned, so this is also true if "to" lies before "from". */
	if ((uintptr_t)t - (uintptr_t)f >= n)
		return memcpy(to, from, n);
	/* String instructions that go backwards are slow on every CPU, so words are copied. */
	for (; n >= 8; n -= 8)
		store8(t + n - 8, load8(f + n - 8));
	while (n--)
		t[n] = f[n];
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	void *out = to;

	if (is_two_words(n)) {
		uint64_t word = (unsigned char)byte * 0x0101010101010101UL;

		store8(to, word);
		store8((char *)to + n - 8, word);
		return out;
	}
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
	return out;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n >= 8 && load8(x) == load8(y); n -= 8) {
		x += 8;
		y += 8;
	}
	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int byte, size_t n)
{
	const unsigned char *p = s;

	for (; n; n--, p++)
		if (*p == (unsigned char)byte)
			return UNCONST(p);
	return NULL;
}

void *memrchr(const void *s, int byte, size_t n)
{
	const unsigned char *p = s;

	while (n--)
		if (p[n] == (unsigned char)byte)
			return UNCONST(p + n);
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return p - s;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--) {
		a++;
		b++;
	}
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchrnul(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return UNCONST(s);
}

char *strchr(const char *s, int c)
{
	s = strchrnul(s, c);
	return *s == (char)c ? UNCONST(s) : NULL;
}

char *strrchr(const char *s, int c)
{
	return memrchr(s, c, strlen(s) + 1);
}

char *strstr(const char *s, const char *needle)
{
	size_t n = strlen(needle);

	for (; strncmp(s, needle, n); s++)
		if (!*s)
			return NULL;
	return UNCONST(s);
}

size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;

	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}
