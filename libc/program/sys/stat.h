/* SPDX-License-Identifier: MIT */
/* Attributes of files. The structure is that of Linux's own header. */
#ifndef LIBC_PROGRAM_SYS_STAT_H
#define LIBC_PROGRAM_SYS_STAT_H

#include <asm/stat.h>
#include <linux/stat.h>

int stat(const char *path, struct stat *st);
int fstat(int fd, struct stat *st);

#endif
