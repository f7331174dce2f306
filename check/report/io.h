/* SPDX-License-Identifier: MIT */
/* Whole reads and writes, and waits: no signal cuts them short. */
#ifndef REPORT_IO_H
#define REPORT_IO_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/types.h"

/* All len bytes of a socket, or false: its end, or an error. */
static inline bool report_read(int fd, void *to, size_t len)
{
	char *p = to;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* All len bytes to a socket, or false: the other end is gone. No SIGPIPE. */
static inline bool report_write(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Until the child has ended. Only for a child that will. */
static inline void report_reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

#endif
