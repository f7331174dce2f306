/* SPDX-License-Identifier: MIT */
/* Environment and exit of a freestanding program, beside the functions of libc/stdlib.h. */
#ifndef LIBC_PROGRAM_STDLIB_H
#define LIBC_PROGRAM_STDLIB_H

#include "libc/stdlib.h"

extern char **environ;

char *getenv(const char *name);
__attribute__((noreturn)) void exit(int status);

#endif
