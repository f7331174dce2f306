/* SPDX-License-Identifier: MIT */
/* The error of the last call that failed: a plain variable, because there is only one thread. */
#ifndef LIBC_PROGRAM_ERRNO_H
#define LIBC_PROGRAM_ERRNO_H

#include <asm/errno.h>

extern int errno;

#endif
