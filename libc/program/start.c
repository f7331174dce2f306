// SPDX-License-Identifier: MIT
/* The C half of a freestanding program's start. */
#include "libc/program/stdlib.h"

int main(int argc, char **argv, char **env);

char **environ;

/* Called by _start. stack: argc, the arguments, NULL, the environment, NULL. */
__attribute__((noreturn)) void program_start(long *stack);

void program_start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	environ = argv + argc + 1;
	exit(main(argc, argv, environ));
}
