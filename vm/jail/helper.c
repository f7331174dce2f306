// SPDX-License-Identifier: MIT
/* See helper.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/exit_status.h"
#include "vm/jail/helper.h"
#include "vm/jail/walls.h"
#include "vm/vm.h"

#define SOCKET 3

/* Leaves the process standard error and its own descriptors, which get fixed numbers. */
static bool keep_only(int socket, int keep)
{
	/* Above the numbers that they get. */
	socket = fcntl(socket, F_DUPFD, HELPER_KEPT + 1);
	if (keep >= 0)
		keep = fcntl(keep, F_DUPFD, HELPER_KEPT + 1);
	if (socket < 0 || dup2(socket, SOCKET) < 0)
		return false;
	if (keep >= 0 && dup2(keep, HELPER_KEPT) < 0)
		return false;
	for (int fd = 0; fd < 2; fd++)
		dup2(SOCKET, fd);
	return close_range((keep >= 0 ? HELPER_KEPT : SOCKET) + 1, ~0U, 0) == 0;
}

int helper_start(const char *name, int (*work)(const void *arg, int socket), const void *arg,
		 int keep, int *socket)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		message("%s: %s", name, host_error(errno));
		return EXIT_HOST;
	}
	pid = fork();
	if (pid == 0) {
		/* What the terminal says is for the program; the socket says when all is over. */
		for (int sig = 1; sig < NSIG; sig++)
			if (sig != SIGCHLD && sig != SIGPIPE)
				signal(sig, SIG_IGN);
		if (!keep_only(pair[1], keep) || walls_drop_privileges())
			_exit(1);
		_exit(work(arg, SOCKET));
	}
	close(pair[1]);
	if (keep >= 0)
		close(keep);
	if (pid < 0) {
		message("%s: cannot start a process: %s", name, host_error(errno));
		close(pair[0]);
		return EXIT_HOST;
	}
	*socket = pair[0];
	return 0;
}
