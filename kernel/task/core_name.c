// SPDX-License-Identifier: MIT
/* The name of a core, as pure logic: format_corename in Linux's fs/coredump.c. See core.h. */
#include <asm/errno.h>
#include "kernel/task/core.h"
#include "libc/stdio.h"
#include "libc/string.h"

/* A text in a name may not lead to another directory. Changes it in place. */
static void make_component(char *text)
{
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		text[0] = '!';
	if (!text[0])
		strlcpy(text, "!", 2);
	for (char *c = text; *c; c++)
		if (*c == '/')
			*c = '!';
}

/* Writes the text of a specifier, or "" if there is none of that letter. */
static void expand(char *to, u64 size, char letter, const struct core_names *n)
{
	const char *slash = strrchr(n->exe, '/');
	const struct {
		char letter;
		u64 value;
	} number[] = {
		{'p', (u64)n->pid}, {'P', (u64)n->pid}, {'i', (u64)n->tid}, {'I', (u64)n->tid},
		{'u', n->uid},	    {'g', n->gid},	{'d', n->dumpable}, {'s', (u64)n->signal},
		{'t', n->time},	    {'c', n->limit},	{'C', n->cpu},
	};
	const struct {
		char letter;
		const char *value;
	} text[] = {
		{'e', n->comm},
		{'f', slash ? slash + 1 : n->exe},
		{'E', n->exe},
		{'h', n->host},
	};

	to[0] = '\0';
	for (unsigned i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		if (number[i].letter == letter)
			snprintf(to, size, "%lu", number[i].value);
	for (unsigned i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (text[i].letter == letter) {
			strlcpy(to, text[i].value, size);
			make_component(to);
		}
	if (letter == '%')
		strlcpy(to, "%", size);
}

/* Appends text to a name of n bytes. Returns the new length; size: it does not fit. */
static u64 append(char *to, u64 size, u64 n, const char *text)
{
	u64 len = strlcpy(to + n, text, size - n);

	return len >= size - n ? size : n + len;
}

int core_name(char *to, u64 size, const char *pattern, const struct core_names *names)
{
	char value[CORE_PATH_MAX];
	bool has_pid = false;
	u64 n = 0;

	for (const char *p = pattern; *p && n < size; p++) {
		if (*p != '%') {
			value[0] = *p;
			value[1] = '\0';
		} else if (*++p) {
			has_pid = has_pid || *p == 'p';
			expand(value, sizeof(value), *p, names);
		} else {
			break; /* a single '%' at the end is left out */
		}
		n = append(to, size, n, value);
	}
	if (names->uses_pid && !has_pid && n < size) {
		snprintf(value, sizeof(value), ".%d", names->pid);
		n = append(to, size, n, value);
	}
	return n && n < size ? 0 : -ENAMETOOLONG;
}
