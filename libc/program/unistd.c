// SPDX-License-Identifier: MIT
/* The functions of this directory's headers: system calls, the environment, and printf. */
#include "libc/program/errno.h"
#include "libc/program/fcntl.h"
#include "libc/program/stdio.h"
#include "libc/program/stdlib.h"
#include "libc/program/sys/mman.h"
#include "libc/program/sys/stat.h"
#include "libc/program/syscall.h"
#include "libc/program/time.h"
#include "libc/program/unistd.h"
#include "libc/string.h"

int errno;

/* Results from -4095 to -1 are errors. No address is among them: Linux never maps the last page. */
static long result(long ret)
{
	if (ret < 0 && ret >= -4095) {
		errno = (int)-ret;
		return -1;
	}
	return ret;
}

#define CALL(nr, a, b, c) result(raw_syscall(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0))

ssize_t read(int fd, void *data, size_t len)
{
	return CALL(__NR_read, fd, data, len);
}

ssize_t write(int fd, const void *data, size_t len)
{
	return CALL(__NR_write, fd, data, len);
}

long lseek(int fd, long offset, int whence)
{
	return CALL(__NR_lseek, fd, offset, whence);
}

int close(int fd)
{
	return (int)CALL(__NR_close, fd, 0, 0);
}

int unlink(const char *path)
{
	return (int)CALL(__NR_unlink, path, 0, 0);
}

int getppid(void)
{
	return (int)CALL(__NR_getppid, 0, 0, 0);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	return (int)CALL(__NR_open, path, flags, mode);
}

int stat(const char *path, struct stat *st)
{
	return (int)CALL(__NR_stat, path, st, 0);
}

int fstat(int fd, struct stat *st)
{
	return (int)CALL(__NR_fstat, fd, st, 0);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, long offset)
{
	return (void *)result(
		raw_syscall(__NR_mmap, (long)addr, (long)len, prot, flags, fd, offset));
}

int munmap(void *addr, size_t len)
{
	return (int)CALL(__NR_munmap, addr, len, 0);
}

int mprotect(void *addr, size_t len, int prot)
{
	return (int)CALL(__NR_mprotect, addr, len, prot);
}

int clock_gettime(int clock, struct timespec *now)
{
	return (int)CALL(__NR_clock_gettime, clock, now, 0);
}

void exit(int status)
{
	for (;;)
		raw_syscall(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

char *getenv(const char *name)
{
	size_t len = strlen(name);

	for (char **e = environ; *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

static int print(int fd, const char *fmt, va_list args)
{
	char text[PRINTF_MAX];
	int len = vsnprintf(text, sizeof(text), fmt, args);

	if (len > (int)sizeof(text) - 1)
		len = (int)sizeof(text) - 1;
	return write(fd, text, len) == len ? len : -1;
}

int printf(const char *restrict fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = print(STDOUT_FILENO, fmt, args);
	va_end(args);
	return len;
}

int dprintf(int fd, const char *restrict fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = print(fd, fmt, args);
	va_end(args);
	return len;
}
