/* SPDX-License-Identifier: MIT */
/* The error of the last call that failed. One thread only, hence a plain variable. */
#ifndef LIBC_PROGRAM_ERRNO_H
#define LIBC_PROGRAM_ERRNO_H

#include <asm/errno.h>

extern int errno;

#endif
