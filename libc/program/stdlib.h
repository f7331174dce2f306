/* SPDX-License-Identifier: MIT */
/* What a freestanding program has beyond libc/stdlib.h: its environment and its end. */
#ifndef LIBC_PROGRAM_STDLIB_H
#define LIBC_PROGRAM_STDLIB_H

#include "libc/stdlib.h"

extern char **environ;

char *getenv(const char *name);
__attribute__((noreturn)) void exit(int status);

#endif
