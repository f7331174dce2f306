/* SPDX-License-Identifier: MIT */
/* Opening files; the constants are the kernel's own header. */
#ifndef LIBC_PROGRAM_FCNTL_H
#define LIBC_PROGRAM_FCNTL_H

#include <linux/fcntl.h>

/* The mode is looked at only with O_CREAT, but always passed. */
int open(const char *path, int flags, ...);

#endif
