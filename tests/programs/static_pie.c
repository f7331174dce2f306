// SPDX-License-Identifier: MIT
/*
 * A use after free in a static PIE, where the C library's malloc is a local symbol. Status 0 where
 * nobody looks.
 * options: -static-pie -fPIE
 */
#include <stdlib.h>

int main(void)
{
	char *volatile p = malloc(10);

	if (!p)
		return 1;
	*p = 1;
	free(p);
	return *(volatile char *)p == 77;
}
