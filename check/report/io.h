/* SPDX-License-Identifier: MIT */
/* Complete reads, writes and waits, which signals do not cut short. */
#ifndef REPORT_IO_H
#define REPORT_IO_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/types.h"

/* Reads len bytes from a socket. Returns false at the end of the stream and after an error. */
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

/* Sends len bytes to a socket. Returns false if the other end is closed; makes no SIGPIPE. */
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

/* Waits until the child has ended. The caller knows that it ends. */
static inline void report_reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

#endif
