// SPDX-License-Identifier: MIT
/* The smallest dynamic program: what its start and end cost is what the sandbox's cost. */
#include <stdio.h>

int main(void)
{
	puts("hello");
	return 0;
}
