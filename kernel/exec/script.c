// SPDX-License-Identifier: MIT
/* See script.h. The rules and their order are those of Linux's fs/binfmt_script.c. */
#include <asm/errno.h>
#include "kernel/exec/script.h"
#include "libc/string.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && blank(*p))
		p++;
	return p;
}

/* Returns the end of the word at p. */
static const char *word_end(const char *p, const char *end)
{
	while (p < end && !blank(*p) && *p != '\0')
		p++;
	return p;
}

int script_parse(struct script_line *line, const void *head, u64 len)
{
	char buf[SCRIPT_LINE_MAX] = {0}; /* a short file is padded with NULs */
	const char *end, *name, *name_end, *arg;

	memcpy(buf, head, MIN(len, sizeof(buf)));
	if (buf[0] != '#' || buf[1] != '!')
		return 0;
	end = memchr(buf, '\n', sizeof(buf));
	if (!end) {
		/* The argument may be cut off; the path may not, so a byte must follow it. */
		end = buf + sizeof(buf) - 1;
		name = skip_blanks(buf + 2, end + 1);
		if (name > end || word_end(name, end + 1) > end)
			return -ENOEXEC;
	}
	while (blank(end[-1]))
		end--;
	name = skip_blanks(buf + 2, end);
	name_end = word_end(name, end);
	if (name == name_end)
		return -ENOEXEC;
	memcpy(line->interp, name, (size_t)(name_end - name));
	line->interp[name_end - name] = '\0';

	/* A NUL ends the line as well. */
	arg = name_end < end && *name_end != '\0' ? skip_blanks(name_end, end) : end;
	line->has_arg = arg < end;
	memcpy(line->arg, arg, (size_t)(end - arg));
	line->arg[end - arg] = '\0';
	return 1;
}
