// SPDX-License-Identifier: MIT
/*
 * strlcpy and strlcat, which the host's C library may lack. They have a file of their own, so that
 * unit tests can link it and take all other functions from the host's library.
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
