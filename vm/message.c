// SPDX-License-Identifier: MIT
/*
 * Messages for the user: one write(2) for each line, on a descriptor that the guest cannot close.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "vm/vm.h"

static int message_fd = STDERR_FILENO;

void message_to(int fd)
{
	message_fd = fd;
}

static void print(const char *fmt, va_list ap)
{
	char line[4096] = "buffervm: ";
	size_t used = strlen(line);
	int n = vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);

	used = MIN(used + (size_t)MAX(n, 0), sizeof(line) - 2);
	line[used++] = '\n';
	/* Ignores failure: stderr may be closed or full. */
	if (write(message_fd, line, used) < 0)
		errno = 0;
}

void message(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}

const char *host_error(int error)
{
	static char text[160];
	const char *what = strerror(error);
	struct rlimit limit;

	switch (error) {
	case EMFILE:
		getrlimit(RLIMIT_NOFILE, &limit);
		snprintf(text, sizeof(text), "%s: the limit (ulimit -n) is %lu", what,
			 (unsigned long)limit.rlim_cur);
		return text;
	case ENOMEM:
		if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
			break;
		snprintf(text, sizeof(text),
			 "%s: addresses are limited (ulimit -v) to %lu KiB, and the sandbox "
			 "reserves "
			 "as many as --mem says",
			 what, (unsigned long)limit.rlim_cur / 1024);
		return text;
	case EAGAIN:
		if (getrlimit(RLIMIT_NPROC, &limit) || limit.rlim_cur == RLIM_INFINITY)
			break;
		snprintf(text, sizeof(text), "%s: the user's limit of threads (ulimit -u) is %lu",
			 what, (unsigned long)limit.rlim_cur);
		return text;
	default:
		break;
	}
	return what;
}

void verbose(struct sandbox *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->opt.verbose)
		return;
	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}
