/* SPDX-License-Identifier: MIT */
/*
 * POSIX calls for freestanding programs. Each is one system call and returns -1 with errno set if
 * that fails. The manual pages are the contracts.
 */
#ifndef LIBC_PROGRAM_UNISTD_H
#define LIBC_PROGRAM_UNISTD_H

#include <stddef.h>
#include <linux/fs.h> /* SEEK_* */

#define STDIN_FILENO  0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

typedef long ssize_t;

ssize_t read(int fd, void *data, size_t len);
ssize_t write(int fd, const void *data, size_t len);
long lseek(int fd, long offset, int whence);
int close(int fd);
int unlink(const char *path);
int getppid(void);

#endif
