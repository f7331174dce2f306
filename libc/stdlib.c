// SPDX-License-Identifier: MIT
/* Numbers from text: all functions share a parser of sign, prefix and digits. */
#include "libc/stdlib.h"
#include "common/types.h"
#include "libc/ctype.h"
#include <limits.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : INT_MAX;
}

/*
 * Returns the number's magnitude. If it is more than max, returns max and sets *over. *negative:
 * there was a "-".
 */
static unsigned long long magnitude(const char *s, char **end, int base, unsigned long long max,
				    int *negative, int *over)
{
	const char *start = s;
	unsigned long long v = 0;

	*over = 0;
	while (isspace((unsigned char)*s))
		s++;
	*negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' &&
	    digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = *s == '0' ? 8 : 10;
	}
	if (digit_value(*s) >= base)
		s = start; /* there is no number: *end is the start, before the sign */
	else
		for (int d; (d = digit_value(*s)) < base; s++) {
			if (v > (max - d) / base)
				*over = 1;
			else
				v = v * base + d;
		}
	if (end)
		*end = UNCONST(s);
	return *over ? max : v;
}

unsigned long long strtoull(const char *restrict s, char **restrict end, int base)
{
	int negative, over;
	unsigned long long v = magnitude(s, end, base, ULLONG_MAX, &negative, &over);

	return negative && !over ? -v : v;
}

long long strtoll(const char *restrict s, char **restrict end, int base)
{
	int negative, over;
	/* The limit is -LLONG_MIN, the larger of both signs' limits; LLONG_MAX is one less. */
	unsigned long long v = magnitude(s, end, base, LLONG_MAX + 1ULL, &negative, &over);

	if (negative)
		return -v;
	return v > LLONG_MAX ? LLONG_MAX : (long long)v;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
	return strtoull(s, end, base);
}

long strtol(const char *restrict s, char **restrict end, int base)
{
	return strtoll(s, end, base);
}

_Static_assert(sizeof(long) == sizeof(long long), "strtol and strtoul rely on it");

int atoi(const char *s)
{
	return (int)strtol(s, NULL, 10);
}
