// SPDX-License-Identifier: MIT
/*
 * Does libc/ do what the host's C library does? Its files are compiled into this one under other
 * names and compared with the host's functions over tables and pseudo-random inputs. strlcpy and
 * strlcat, which the host may lack, are compared with their definition.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <cmocka.h>

#undef isdigit
#undef isxdigit
#undef isupper
#undef islower
#undef isalpha
#undef isalnum
#undef isspace
#undef isprint
#undef toupper
#undef tolower

#define memcpy	  libc_memcpy
#define memmove	  libc_memmove
#define memset	  libc_memset
#define memcmp	  libc_memcmp
#define memchr	  libc_memchr
#define memrchr	  libc_memrchr
#define strlen	  libc_strlen
#define strnlen	  libc_strnlen
#define strcmp	  libc_strcmp
#define strncmp	  libc_strncmp
#define strchr	  libc_strchr
#define strchrnul libc_strchrnul
#define strrchr	  libc_strrchr
#define strstr	  libc_strstr
#define strspn	  libc_strspn
#define strcspn	  libc_strcspn
#define strlcpy	  libc_strlcpy
#define strlcat	  libc_strlcat
#define snprintf  libc_snprintf
#define vsnprintf libc_vsnprintf
#define strtoul	  libc_strtoul
#define strtol	  libc_strtol
#define strtoull  libc_strtoull
#define strtoll	  libc_strtoll
#define atoi	  libc_atoi
#define isdigit	  libc_isdigit
#define isxdigit  libc_isxdigit
#define isupper	  libc_isupper
#define islower	  libc_islower
#define isalpha	  libc_isalpha
#define isalnum	  libc_isalnum
#define isspace	  libc_isspace
#define isprint	  libc_isprint
#define toupper	  libc_toupper
#define tolower	  libc_tolower

#include "libc/string.c"
#include "libc/strlcpy.c"
#include "libc/ctype.c"
#include "libc/stdlib.c"
#include "libc/stdio.c"

/* From here on the plain names are the host's. */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef memrchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strchrnul
#undef strrchr
#undef strstr
#undef strspn
#undef strcspn
#undef strlcpy
#undef strlcat
#undef snprintf
#undef vsnprintf
#undef strtoul
#undef strtol
#undef strtoull
#undef strtoll
#undef atoi
#undef isdigit
#undef isxdigit
#undef isupper
#undef islower
#undef isalpha
#undef isalnum
#undef isspace
#undef isprint
#undef toupper
#undef tolower

static uint32_t random_state;

/* The numbers are the same in each run, so that a failure can be repeated. */
static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)random_state * limit >> 32);
}

static void fill(unsigned char *p, size_t n)
{
	while (n--)
		*p++ = random_below(256);
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

static void copies_move_every_byte_and_no_other(void **state)
{
	unsigned char ours[256], hosts[256];

	(void)state;
	for (int round = 0; round < 50000; round++) {
		size_t n = random_below(80);
		size_t to = random_below(100), from = random_below(100);

		fill(ours, sizeof(ours));
		memcpy(hosts, ours, sizeof(ours));
		assert_ptr_equal(libc_memmove(ours + to, ours + from, n), ours + to);
		memmove(hosts + to, hosts + from, n);
		assert_memory_equal(ours, hosts, sizeof(ours));

		assert_ptr_equal(libc_memcpy(ours + 180 - n, ours + 190 - n, n > 10 ? 10 : n),
				 ours + 180 - n);
		memcpy(hosts + 180 - n, hosts + 190 - n, n > 10 ? 10 : n);
		assert_memory_equal(ours, hosts, sizeof(ours));

		assert_ptr_equal(libc_memset(ours + to, (int)n - 300, n), ours + to);
		memset(hosts + to, (int)n - 300, n);
		assert_memory_equal(ours, hosts, sizeof(ours));
	}
}

static void comparisons_agree(void **state)
{
	char a[40], b[40];

	(void)state;
	for (int round = 0; round < 100000; round++) {
		size_t len = random_below(sizeof(a) - 1), n = random_below(sizeof(a));

		/*
		 * Few different characters, some with the high bit, so that equal prefixes are
		 * common.
		 */
		for (size_t i = 0; i < len; i++) {
			a[i] = "ab\xff"[random_below(3)];
			b[i] = random_below(12) ? a[i] : "ab\xff"[random_below(3)];
		}
		a[len] = b[len] = '\0';
		if (len)
			b[random_below(len)] &= random_below(9) ? 0xff : 0;
		assert_int_equal(sign(libc_memcmp(a, b, len)), sign(memcmp(a, b, len)));
		assert_int_equal(sign(libc_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(libc_strncmp(a, b, n)), sign(strncmp(a, b, n)));
	}
}

static void searches_agree(void **state)
{
	char s[24], part[4];

	(void)state;
	for (int round = 0; round < 100000; round++) {
		size_t len = random_below(sizeof(s)), n = random_below(sizeof(part));
		int c = random_below(8) ? "abc\xff"[random_below(4)] : 0;

		for (size_t i = 0; i < len; i++)
			s[i] = "abc\xff"[random_below(4)];
		s[len] = '\0';
		for (size_t i = 0; i < n; i++)
			part[i] = "abc\xff"[random_below(4)];
		part[n] = '\0';
		assert_int_equal(libc_strlen(s), strlen(s));
		assert_int_equal(libc_strnlen(s, n), strnlen(s, n));
		assert_ptr_equal(libc_memchr(s, c, len), memchr(s, c, len));
		assert_ptr_equal(libc_memrchr(s, c, len), memrchr(s, c, len));
		assert_ptr_equal(libc_strchr(s, c), strchr(s, c));
		assert_ptr_equal(libc_strchrnul(s, c), strchrnul(s, c));
		assert_ptr_equal(libc_strrchr(s, c), strrchr(s, c));
		assert_ptr_equal(libc_strstr(s, part), strstr(s, part));
		assert_int_equal(libc_strspn(s, part), strspn(s, part));
		assert_int_equal(libc_strcspn(s, part), strcspn(s, part));
	}
}

static void strlcpy_and_strlcat_cut_and_terminate(void **state)
{
	char to[8];

	(void)state;
	assert_int_equal(libc_strlcpy(to, "abc", sizeof(to)), 3);
	assert_string_equal(to, "abc");
	assert_int_equal(libc_strlcat(to, "defg", sizeof(to)), 7);
	assert_string_equal(to, "abcdefg");
	assert_int_equal(libc_strlcat(to, "x", sizeof(to)), 8);
	assert_string_equal(to, "abcdefg");
	assert_int_equal(libc_strlcpy(to, "0123456789", sizeof(to)), 10);
	assert_string_equal(to, "0123456");
	assert_int_equal(libc_strlcpy(to, "zz", 1), 2);
	assert_string_equal(to, "");
	to[0] = 'q';
	assert_int_equal(libc_strlcpy(to, "zz", 0), 2);
	assert_int_equal(to[0], 'q');
	memset(to, 'y', sizeof(to));
	assert_int_equal(libc_strlcat(to, "zz", 4), 6);
	assert_int_equal(to[3], 'y');
}

static void character_classes_agree(void **state)
{
	(void)state;
	for (int c = EOF; c < 256; c++) {
		assert_int_equal(!libc_isdigit(c), !isdigit(c));
		assert_int_equal(!libc_isxdigit(c), !isxdigit(c));
		assert_int_equal(!libc_isupper(c), !isupper(c));
		assert_int_equal(!libc_islower(c), !islower(c));
		assert_int_equal(!libc_isalpha(c), !isalpha(c));
		assert_int_equal(!libc_isalnum(c), !isalnum(c));
		assert_int_equal(!libc_isspace(c), !isspace(c));
		assert_int_equal(!libc_isprint(c), !isprint(c));
		assert_int_equal(libc_toupper(c), toupper(c));
		assert_int_equal(libc_tolower(c), tolower(c));
	}
}

static void numbers_from_text_agree(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"0",
		"-0",
		"+7",
		" \t\n42x",
		"0x",
		"0x1f",
		"-0X1F",
		"0xg",
		"010",
		"08",
		"99999999999999999999",
		"-99999999999999999999",
		"18446744073709551615",
		"18446744073709551616",
		"9223372036854775807",
		"9223372036854775808",
		"-9223372036854775808",
		"-9223372036854775809",
		"zZ",
		"1 2",
		"--1",
		"+-1",
		"-",
		"-18446744073709551615",
		"0x8000000000000000",
		"2147483648",
		"10000000000000000",
	};
	static const int bases[] = {0, 2, 8, 10, 16, 36};
	char *ours, *hosts;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t j = 0; j < sizeof(bases) / sizeof(bases[0]); j++) {
			const char *s = texts[i];
			int base = bases[j];

			assert_true(libc_strtoull(s, &ours, base) == strtoull(s, &hosts, base));
			assert_ptr_equal(ours, hosts);
			assert_true(libc_strtoll(s, &ours, base) == strtoll(s, &hosts, base));
			assert_ptr_equal(ours, hosts);
			assert_true(libc_strtoul(s, NULL, base) == strtoul(s, NULL, base));
			assert_true(libc_strtol(s, NULL, base) == strtol(s, NULL, base));
		}
		assert_int_equal(libc_atoi(texts[i]), atoi(texts[i]));
	}
}

/* The formats are made at run time, on purpose. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

/* All lengths and conversions after this prefix, over values at the edges. */
static void check_numbers(const char *flags, const char *width, const char *precision)
{
	static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "t", "j"};
	static const long long values[] = {
		0, 1, -1, 42, -42, 255, 65536, INT_MIN, LLONG_MIN, LLONG_MAX,
	};
	char fmt[32], ours[128], hosts[128];

	for (size_t i = 0; i < 8 * 6; i++) {
		snprintf(fmt, sizeof(fmt), "<%%%s%s%s%s%c>", flags, width, precision,
			 lengths[i / 6], "diuoxX"[i % 6]);
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			assert_int_equal(libc_snprintf(ours, sizeof(ours), fmt, values[v]),
					 snprintf(hosts, sizeof(hosts), fmt, values[v]));
			assert_string_equal(ours, hosts);
		}
	}
}

static void formats_of_numbers_agree(void **state)
{
	static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-0", "#0", "+0", "- "};
	static const char *const widths[] = {"", "1", "12"};
	static const char *const precisions[] = {"", ".", ".0", ".1", ".9"};

	(void)state;
	for (size_t f = 0; f < 10; f++)
		for (size_t i = 0; i < 3 * 5; i++)
			check_numbers(flags[f], widths[i / 5], precisions[i % 5]);
}

#define SAME(...)                                                                                  \
	do {                                                                                       \
		assert_int_equal(libc_snprintf(ours, sizeof(ours), __VA_ARGS__),                   \
				 snprintf(hosts, sizeof(hosts), __VA_ARGS__));                     \
		assert_string_equal(ours, hosts);                                                  \
	} while (0)

static void formats_of_text_agree(void **state)
{
	char ours[64], hosts[64];
	const char *volatile no_text = NULL; /* unknown to the compiler */
	const char open_ended[3] = {'a', 'b', 'c'};

	(void)state;
	SAME("plain");
	SAME("100%%");
	SAME("%s|%10s|%-10s|%.2s|%10.2s", "abc", "abc", "abc", "abc", "abc");
	SAME("%.3s", open_ended);
	SAME("%c%3c%-3c|", 'x', 'y', 'z');
	SAME("%*d|%-*d|%*d", 5, 1, 5, 2, -5, 3);
	SAME("%.*d|%.*d", 4, 7, -1, 7);
	SAME("%p", (void *)0x7fff1234);
	SAME("%d %s %lx %zu", -3, "mixed", 0xfeedUL, sizeof(long));
	libc_snprintf(ours, sizeof(ours), "%p", NULL);
	assert_string_equal(ours, "0x0");
	libc_snprintf(ours, sizeof(ours), "%s", no_text);
	assert_string_equal(ours, "(null)");
}

static void unknown_conversion_is_copied(void **state)
{
	char ours[64];
	const char *fmt = "a%Qb%";

	(void)state;
	libc_snprintf(ours, sizeof(ours), fmt);
	assert_string_equal(ours, fmt);
}

static void formatted_text_is_cut_to_the_room(void **state)
{
	char ours[8];

	(void)state;
	memset(ours, '!', sizeof(ours));
	assert_int_equal(libc_snprintf(ours, 5, "%s", "abcdefghij"), 10);
	assert_memory_equal(ours, "abcd\0!!!", 8);
	assert_int_equal(libc_snprintf(ours, 1, "%d", 12345), 5);
	assert_int_equal(ours[0], '\0');
	assert_int_equal(libc_snprintf(NULL, 0, "%d", 12345), 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_move_every_byte_and_no_other),
		cmocka_unit_test(comparisons_agree),
		cmocka_unit_test(searches_agree),
		cmocka_unit_test(strlcpy_and_strlcat_cut_and_terminate),
		cmocka_unit_test(character_classes_agree),
		cmocka_unit_test(numbers_from_text_agree),
		cmocka_unit_test(formats_of_numbers_agree),
		cmocka_unit_test(formats_of_text_agree),
		cmocka_unit_test(unknown_conversion_is_copied),
		cmocka_unit_test(formatted_text_is_cut_to_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
