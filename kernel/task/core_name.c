// SPDX-License-Identifier: MIT
/* The name of a core, as pure logic. See core.h. */
#include <asm/errno.h>
#include "kernel/task/core.h"
#include "libc/stdio.h"
#include "libc/string.h"

int core_name(char *to, u64 size, const char *pattern, const struct core_names *names)
{
	u64 n = 0;

	for (const char *p = pattern; *p; p++) {
		char value[32] = {*p};

		if (*p == '%') {
			switch (*++p) {
			case 'p':
				snprintf(value, sizeof(value), "%d", names->pid);
				break;
			case 't':
				snprintf(value, sizeof(value), "%lu", names->time);
				break;
			case 'e':
				strlcpy(value, names->comm, sizeof(value));
				for (char *c = value; *c; c++)
					if (*c == '/')
						*c = '!';
				break;
			case '%':
				break;
			case '\0': /* a single '%' at the end is left out */
				p--;
				/* fall through */
			default:
				value[0] = '\0';
			}
		}
		if (strlcpy(to + n, value, size - n) >= size - n)
			return -ENAMETOOLONG;
		n += strlen(value);
	}
	return n ? 0 : -ENAMETOOLONG;
}
