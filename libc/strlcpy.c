// SPDX-License-Identifier: MIT
/*
 * strlcpy and strlcat: in a file of their own because the host's C library may lack them, so that
 * unit tests of code that uses them can link this file and take the rest from the host.
 */
#include "libc/string.h"

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t len = strlen(from);

	if (size) {
		size_t n = len < size ? len : size - 1;

		memcpy(to, from, n);
		to[n] = '\0';
	}
	return len;
}

size_t strlcat(char *to, const char *from, size_t size)
{
	size_t used = strnlen(to, size);

	return used + strlcpy(to + used, from, size - used);
}
