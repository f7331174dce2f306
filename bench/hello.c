// SPDX-License-Identifier: MIT
/* The smallest dynamic program: the cost of its start and end is the sandbox's cost. */
#include <stdio.h>

int main(void)
{
	puts("hello");
	return 0;
}
