// SPDX-License-Identifier: MIT
/*
 * Files that send signals (O_ASYNC, leases, F_NOTIFY): which file sends which signal, and no signal
 * for another file. Also the small commands of fcntl(2).
 */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DUPFD_QUERY   1027
#define CREATED_QUERY 1028

static volatile sig_atomic_t count, last, from, code, band;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last = sig;
	from = info->si_fd;
	code = info->si_code;
	band = (int)info->si_band;
}

static void listen_to(int sig)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};

	NEED(sigaction(sig, &sa, NULL) == 0);
	count = last = 0;
}

static void asynchronous(int fd, int sig)
{
	NEED(fcntl(fd, F_SETOWN, getpid()) == 0 && fcntl(fd, F_SETSIG, sig) == 0);
	NEED(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC) == 0);
}

static void wait_for(int n)
{
	for (int i = 0; i < 1000 && count < n; i++)
		settle(2000);
	settle(20000);
}

/* Input in the second file sends no signal for the first file, whose input is unread. */
CASE(the_file_that_has_input)
{
	int p[2], q[2], s[2];

	NEED(pipe(p) == 0 && pipe(q) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	listen_to(SIGIO);
	asynchronous(p[0], 0);
	NEED(write(p[1], "x", 1) == 1);
	wait_for(1);
	CHECK(count == 1 && last == SIGIO && code == SI_KERNEL);
	signal(SIGIO, SIG_DFL); /* The default action would end the program. */
	listen_to(SIGUSR1);
	asynchronous(q[0], SIGUSR1);
	NEED(write(q[1], "x", 1) == 1);
	wait_for(1);
	CHECK(count == 1 && last == SIGUSR1 && from == q[0] && code == POLL_IN);
	CHECK((band & POLLIN) != 0);
	/* Each write sends a signal, whether or not the previous data was read. */
	NEED(write(q[1], "x", 1) == 1);
	wait_for(2);
	CHECK(count == 2);
	listen_to(SIGUSR2);
	asynchronous(s[0], SIGUSR2);
	NEED(write(s[1], "x", 1) == 1);
	wait_for(1);
	CHECK(count == 1 && from == s[0] && code == POLL_IN);
	NEED(fcntl(q[0], F_SETFL, 0) == 0);
	NEED(write(q[1], "x", 1) == 1);
	settle(20000);
	CHECK(count == 1);
	for (int i = 0; i < 2; i++)
		close(p[i]), close(q[i]), close(s[i]);
}

static int made(void)
{
	int fd = open("leased", O_RDWR | O_CREAT | O_TRUNC, 0600);

	NEED(fd >= 0);
	return fd;
}

CASE(leases)
{
	int fd = made(), ro = open("leased", O_RDONLY), p[2];
	pid_t pid;

	NEED(pipe(p) == 0);
	SHOW(fcntl(fd, F_GETLEASE));
	SHOW(fcntl(p[0], F_SETLEASE, F_RDLCK));
	SHOW(fcntl(fd, F_SETLEASE, 99));
	SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
	SHOW(fcntl(ro, F_SETLEASE, F_WRLCK));
	close(ro);
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	SHOW(fcntl(fd, F_GETLEASE));
	SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
	SHOW(fcntl(fd, F_GETLEASE));
	/* An open of the file waits until its lease is given up. */
	listen_to(SIGUSR1);
	SHOW(fcntl(fd, F_SETSIG, SIGUSR1));
	SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(fd);
		CHECK(open("leased", O_RDONLY | O_NONBLOCK) == -1 && errno == EWOULDBLOCK);
		SHOW_OK(open("leased", O_RDONLY));
		_exit(0);
	}
	wait_for(1);
	NEED(count >= 1 && last == SIGUSR1 && from == fd);
	NEED(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	waitpid(pid, NULL, 0);
	close(fd);
}

CASE(directories_that_tell)
{
	int dir, fd;

	NEED(mkdir("watched", 0700) == 0);
	dir = open("watched", O_RDONLY);
	NEED(dir >= 0);
	listen_to(SIGUSR1);
	SHOW(fcntl(dir, F_SETSIG, SIGUSR1));
	SHOW(fcntl(dir, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	fd = open("watched/a", O_WRONLY | O_CREAT, 0600);
	NEED(fd >= 0);
	wait_for(1);
	CHECK(count == 1 && from == dir);
	SHOW(fcntl(dir, F_NOTIFY, 0));
	NEED(open("watched/b", O_WRONLY | O_CREAT, 0600) >= 0);
	settle(20000);
	CHECK(count == 1);
	SHOW(fcntl(fd, F_NOTIFY, DN_CREATE));
	close(fd);
	close(dir);
}

CASE(questions)
{
	int a = open("asked", O_RDWR | O_CREAT | O_EXCL, 0600), b = open("asked", O_RDWR),
	    c = dup(a);
	uint64_t hint = 99;

	if (!check_kernel(6, 12))
		return;
	NEED(a >= 0 && b >= 0 && c >= 0);
	SHOW(fcntl(a, DUPFD_QUERY, c));
	SHOW(fcntl(a, DUPFD_QUERY, a));
	SHOW(fcntl(a, DUPFD_QUERY, b));
	SHOW(fcntl(a, DUPFD_QUERY, 0x7fff));
	SHOW(fcntl(0x7fff, DUPFD_QUERY, a));
	SHOW(fcntl(a, CREATED_QUERY, 0));
	SHOW(fcntl(b, CREATED_QUERY, 0));
	SHOW(fcntl(a, F_GET_RW_HINT, &hint));
	SHOW((long)hint);
	hint = RWH_WRITE_LIFE_LONG;
	SHOW(fcntl(a, F_SET_RW_HINT, &hint));
	hint = 99;
	SHOW(fcntl(a, F_GET_RW_HINT, &hint));
	SHOW((long)hint);
	hint = 99;
	SHOW(fcntl(a, F_SET_RW_HINT, &hint));
	SHOW(fcntl(a, F_SET_RW_HINT, NULL));
	SHOW(fcntl(a, F_GET_RW_HINT, NULL));
}
