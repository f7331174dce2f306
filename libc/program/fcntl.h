/* SPDX-License-Identifier: MIT */
/* Opening files. The constants are those of Linux's own header. */
#ifndef LIBC_PROGRAM_FCNTL_H
#define LIBC_PROGRAM_FCNTL_H

#include <linux/fcntl.h>

/* The caller always passes a mode, which Linux uses only with O_CREAT or O_TMPFILE. */
int open(const char *path, int flags, ...);

#endif
