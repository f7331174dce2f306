// SPDX-License-Identifier: MIT
/* The smallest C program: it prints one line and ends. The benchmark starts it, too. */
#include <stdio.h>

int main(void)
{
	puts("hello, world");
	return 0;
}
