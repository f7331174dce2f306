// SPDX-License-Identifier: MIT
/* Terminals: a pty pair that the program makes, and files that are no terminal. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

CASE(not_a_terminal)
{
	struct termios t;
	struct winsize w;
	int fd = open("plain", O_RDWR | O_CREAT, 0600);

	SHOW(isatty(fd));
	SHOW(tcgetattr(fd, &t));
	SHOW(ioctl(fd, TIOCGWINSZ, &w));
	SHOW(ttyname(fd) == NULL);
	SHOW(tcgetpgrp(fd));
	SHOW(ioctl(fd, 0x12345678, &w));
	SHOW(ioctl(99, TCGETS, &t));
	close(fd);
	fd = open("/dev/null", O_RDWR);
	SHOW(ioctl(fd, TCGETS, &t));
	int on = 1;
	SHOW(ioctl(fd, FIONBIO, &on));
	SHOW(ioctl(fd, FIOCLEX));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(ioctl(fd, FIONCLEX));
	SHOW(fcntl(fd, F_GETFD));
	close(fd);
}

CASE(pty)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), s, n;
	struct termios t, back;
	struct winsize w = {.ws_row = 33, .ws_col = 77}, got = {0};
	char data[64] = "", *name;

	if (m < 0) {
		printf("  no ptys here\n");
		return;
	}
	SHOW(grantpt(m));
	SHOW(unlockpt(m));
	name = ptsname(m);
	CHECK(name && strncmp(name, "/dev/pts/", 9) == 0);
	SHOW_OK(s = open(name, O_RDWR | O_NOCTTY));
	SHOW(isatty(s));
	CHECK(ttyname(s) && strcmp(ttyname(s), name) == 0);
	SHOW(ioctl(m, TIOCSWINSZ, &w));
	SHOW(ioctl(s, TIOCGWINSZ, &got));
	printf("  %d x %d\n", got.ws_row, got.ws_col);
	SHOW(tcgetattr(s, &t));
	printf("  %x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	SHOW(write(m, "typed\n", 6));
	n = SHOW(read(s, data, sizeof(data)));
	printf("  \"%.*s\"\n", n - 1, data);
	n = SHOW(read(m, data, sizeof(data))); /* the echo */
	cfmakeraw(&t);
	SHOW(tcsetattr(s, TCSANOW, &t));
	SHOW(tcgetattr(s, &back));
	CHECK(back.c_lflag == t.c_lflag && back.c_iflag == t.c_iflag);
	SHOW(write(m, "raw", 3));
	n = SHOW(read(s, data, sizeof(data)));
	SHOW(write(s, "out\n", 4));
	n = SHOW(read(m, data, sizeof(data)));
	SHOW(tcflush(s, TCIOFLUSH));
	SHOW(tcdrain(s));
	SHOW_OK(tcgetsid(s));
	struct pollfd fd = {.fd = m, .events = POLLIN};
	SHOW(poll(&fd, 1, 0));
	close(s);
	SHOW(poll(&fd, 1, 0));
	printf("  %x\n", fd.revents);
	SHOW(read(m, data, 1));
	close(m);
}

static int churned; /* Atomic: the descriptor whose name names() asks for, or -1 to end. */

static void *names(void *arg)
{
	char path[32], to[64];
	struct stat st;
	int fd;

	(void)arg;
	while ((fd = __atomic_load_n(&churned, __ATOMIC_ACQUIRE)) >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		(void)!readlink(path, to, sizeof(to));
		lstat(path, &st);
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		fd = open(path, O_RDONLY);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/*
 * The process that asks /proc for a master's name may hold it open longest. The terminal then ends
 * with that request.
 */
CASE(master_closed_while_named)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY);
	pthread_t thread;

	if (m < 0) {
		printf("  no ptys here\n");
		return;
	}
	churned = m;
	CHECK(pthread_create(&thread, NULL, names, NULL) == 0);
	for (int i = 0; i < 500; i++) {
		unsigned number;

		CHECK(ioctl(m, TIOCGPTN, &number) == 0);
		CHECK(close(m) == 0);
		m = posix_openpt(O_RDWR | O_NOCTTY);
		CHECK(m >= 0);
		__atomic_store_n(&churned, m, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&churned, -1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	SHOW(close(m));
}
