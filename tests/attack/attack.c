// SPDX-License-Identifier: MIT
/*
 * Runs one attempt (attack.h): attack NAME. Prints "reached", or "stopped: " and the error. attack
 * --list prints a line for each attempt: group, name, flags, options; the runner takes two of these
 * itself: "stdin=PATH", and "log", after which the bait's process decides what was reached.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>
#include "attack.h"

extern struct attempt __start_attempts[], __stop_attempts[];

bool is_bait(int fd)
{
	char text[sizeof(BAIT_TEXT)] = "";
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, strlen(BAIT_TEXT));
	close(fd);
	return n > 0 && !strcmp(text, BAIT_TEXT);
}

bool reads_bait(const char *path)
{
	return is_bait(open(path, O_RDONLY | O_CLOEXEC));
}

bool answers_bait(int fd)
{
	if (fd >= 0)
		send(fd, "x", 1, MSG_NOSIGNAL);
	return is_bait(fd);
}

/* The copy of this program that belongs to root and has its bits: see setuid_program. */
static int as_other_user(void)
{
	return geteuid() == 0 && getuid() != 0 && creat("/play/su-worked", 0666) >= 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], "su"))
		return as_other_user();
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (struct attempt *a = __start_attempts; a < __stop_attempts; a++)
			printf("%s %s %d %s\n", a->group, a->name, a->flags, a->options);
		return 0;
	}
	for (struct attempt *a = __start_attempts; argc == 2 && a < __stop_attempts; a++) {
		int error;

		if (strcmp(a->name, argv[1]) != 0)
			continue;
		errno = 0;
		error = a->run();
		if (error)
			printf("stopped: %s\n", strerror(error));
		else
			printf("reached\n");
		return 0;
	}
	fprintf(stderr, "usage: attack --list | NAME\n");
	return 2;
}
