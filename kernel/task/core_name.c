// SPDX-License-Identifier: MIT
/* The name of a core: pure logic. See core.h. */
#include <asm/errno.h>
#include "kernel/task/core.h"
#include "libc/stdio.h"
#include "libc/string.h"

int core_name(char *to, u64 size, const char *pattern, const struct core_names *names)
{
	u64 n = 0;

	for (const char *p = pattern; *p; p++) {
		char piece[32] = {*p};

		if (*p == '%') {
			switch (*++p) {
			case 'p':
				snprintf(piece, sizeof(piece), "%d", names->pid);
				break;
			case 't':
				snprintf(piece, sizeof(piece), "%lu", names->time);
				break;
			case 'e':
				strlcpy(piece, names->comm, sizeof(piece));
				for (char *c = piece; *c; c++)
					if (*c == '/')
						*c = '!';
				break;
			case '%':
				break;
			case '\0': /* a single one at the end: left out */
				p--;
				/* fall through */
			default:
				piece[0] = '\0';
			}
		}
		if (strlcpy(to + n, piece, size - n) >= size - n)
			return -ENAMETOOLONG;
		n += strlen(piece);
	}
	return n ? 0 : -ENAMETOOLONG;
}
