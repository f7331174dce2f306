// SPDX-License-Identifier: MIT
/* Formatted text into a buffer: one pass, no allocation, no state. */
#include "libc/stdio.h"
#include "libc/string.h"
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct out {
	char *to;
	size_t size; /* of the buffer, including the NUL */
	size_t len;  /* of the whole text so far, including what did not fit */
};

struct spec {
	bool left, zero, plus, space, alt;
	bool has_precision;
	size_t width, precision;
	char conversion;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->to[o->len] = c;
	o->len++;
}

static void put_times(struct out *o, char c, size_t n)
{
	while (n--)
		put(o, c);
}

/* Writes prefix, zeros, then n bytes of text, in a field of the spec's width. */
static void put_field(struct out *o, const struct spec *s, const char *prefix, size_t zeros,
		      const char *text, size_t n)
{
	size_t len = strlen(prefix) + zeros + n;
	size_t pad = s->width > len ? s->width - len : 0;

	if (!s->left)
		put_times(o, ' ', pad);
	while (*prefix)
		put(o, *prefix++);
	put_times(o, '0', zeros);
	for (size_t i = 0; i < n; i++)
		put(o, text[i]);
	if (s->left)
		put_times(o, ' ', pad);
}

static void put_number(struct out *o, const struct spec *s, uintmax_t v, unsigned int base,
		       const char *prefix)
{
	const char *digits = s->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[sizeof(v) * 3]; /* octal needs 22 */
	size_t n = 0, zeros = 0;

	for (uintmax_t rest = v; rest; rest /= base)
		text[sizeof(text) - ++n] = digits[rest % base];
	if (s->has_precision)
		zeros = s->precision > n ? s->precision - n : 0;
	else if (n == 0)
		zeros = 1;
	if (s->alt && base == 8 && zeros == 0)
		zeros = 1;
	if (s->zero && !s->left && !s->has_precision) {
		size_t len = strlen(prefix) + zeros + n;

		if (s->width > len)
			zeros += s->width - len;
	}
	put_field(o, s, prefix, zeros, text + sizeof(text) - n, n);
}

/* Returns the next argument, which has the type of the length modifier: 'H' is hh, 'q' is ll. */
static intmax_t next_signed(va_list *args, char length)
{
	switch (length) {
	case 'H':
		return (signed char)va_arg(*args, int);
	case 'h':
		return (short)va_arg(*args, int);
	case 'l':
	case 'q':
	case 'j':
	case 'z':
	case 't':
		return va_arg(*args, long);
	default:
		return va_arg(*args, int);
	}
}

static uintmax_t next_unsigned(va_list *args, char length)
{
	switch (length) {
	case 'H':
		return (unsigned char)va_arg(*args, unsigned int);
	case 'h':
		return (unsigned short)va_arg(*args, unsigned int);
	case 'l':
	case 'q':
	case 'j':
	case 'z':
	case 't':
		return va_arg(*args, unsigned long);
	default:
		return va_arg(*args, unsigned int);
	}
}
_Static_assert(sizeof(long) == sizeof(intmax_t) && sizeof(long) == sizeof(long long) &&
		       sizeof(long) == sizeof(size_t),
	       "one type serves l, ll, j, z and t");

static const char *parse_flags(const char *p, struct spec *s)
{
	for (;; p++) {
		switch (*p) {
		case '-':
			s->left = true;
			break;
		case '0':
			s->zero = true;
			break;
		case '+':
			s->plus = true;
			break;
		case ' ':
			s->space = true;
			break;
		case '#':
			s->alt = true;
			break;
		default:
			return p;
		}
	}
}

/* Parses a width or a precision: digits or *. */
static const char *parse_count(const char *p, va_list *args, int *count)
{
	*count = 0;
	if (*p == '*') {
		*count = va_arg(*args, int);
		return p + 1;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		if (*count < INT_MAX / 10 - 1)
			*count = *count * 10 + (*p - '0');
	return p;
}

static const char *parse_length(const char *p, char *length)
{
	*length = 0;
	if (p[0] == 'h' || p[0] == 'l') {
		bool twice = p[1] == p[0];

		*length = !twice ? p[0] : p[0] == 'h' ? 'H' : 'q';
		return p + 1 + twice;
	}
	if (*p == 'z' || *p == 't' || *p == 'j')
		*length = *p++;
	return p;
}

/* Does one conversion; p is behind its '%'. Returns what follows it, or NULL if it is unknown. */
static const char *convert(struct out *o, const char *p, va_list *args)
{
	struct spec s = {0};
	char length, c;
	const char *text;
	int count;

	p = parse_flags(p, &s);
	p = parse_count(p, args, &count);
	if (count < 0)
		s.left = true;
	s.width = count < 0 ? -(size_t)count : (size_t)count;
	if (*p == '.') {
		p = parse_count(p + 1, args, &count);
		s.has_precision = count >= 0;
		s.precision = count >= 0 ? count : 0;
	}
	p = parse_length(p, &length);
	s.conversion = *p++;

	switch (s.conversion) {
	case 'd':
	case 'i': {
		intmax_t v = next_signed(args, length);

		put_number(o, &s, v < 0 ? -(uintmax_t)v : (uintmax_t)v, 10,
			   v < 0     ? "-"
			   : s.plus  ? "+"
			   : s.space ? " "
				     : "");
		return p;
	}
	case 'u':
		put_number(o, &s, next_unsigned(args, length), 10, "");
		return p;
	case 'o':
		put_number(o, &s, next_unsigned(args, length), 8, "");
		return p;
	case 'x':
	case 'X': {
		uintmax_t v = next_unsigned(args, length);

		put_number(o, &s, v, 16, !s.alt || !v ? "" : s.conversion == 'x' ? "0x" : "0X");
		return p;
	}
	case 'p':
		put_number(o, &s, (uintptr_t)va_arg(*args, void *), 16, "0x");
		return p;
	case 'c':
		c = (char)va_arg(*args, int);
		put_field(o, &s, "", 0, &c, 1);
		return p;
	case 's':
		text = va_arg(*args, const char *);
		if (!text)
			text = "(null)";
		put_field(o, &s, "", 0, text,
			  s.has_precision ? strnlen(text, s.precision) : strlen(text));
		return p;
	case '%':
		put(o, '%');
		return p;
	default:
		return NULL;
	}
}

int vsnprintf(char *restrict to, size_t size, const char *restrict fmt, va_list args)
{
	struct out o = {.to = to, .size = size};
	va_list rest; /* &args would have another type: args is a pointer, va_list an array */

	va_copy(rest, args);
	while (*fmt) {
		const char *next = *fmt == '%' ? convert(&o, fmt + 1, &rest) : NULL;

		if (next)
			fmt = next;
		else
			put(&o, *fmt++);
	}
	va_end(rest);
	if (size)
		to[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *restrict to, size_t size, const char *restrict fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(to, size, fmt, args);
	va_end(args);
	return len;
}
