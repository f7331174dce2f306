// SPDX-License-Identifier: MIT
/* Files and descriptors that the outputs go to (observe.h). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "vm/observe/observe.h"

#define OWN_FD_MIN 512

int observe_create(const char *option, const char *path, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | flags, 0666);
	int own = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD_MIN);

	if (fd < 0)
		message("%s=%s: %s", option, path, host_error(errno));
	if (own < 0)
		return fd; /* a small RLIMIT_NOFILE does not allow the high number */
	close(fd);
	return own;
}

/* A reader that went away is an error and no signal: the program would get SIGPIPE. */
int observe_write(int fd, const char *text, size_t len)
{
	sigset_t pipe_signal, before;
	const struct timespec now = {0, 0};
	int err = 0;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	while (len > 0 && !err) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			err = -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	if (err == -EPIPE && !sigismember(&before, SIGPIPE))
		sigtimedwait(&pipe_signal, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}
