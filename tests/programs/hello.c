// SPDX-License-Identifier: MIT
/* The smallest C program: start, one line, end. Also what the benchmark starts. */
#include <stdio.h>

int main(void)
{
	puts("hello, world");
	return 0;
}
