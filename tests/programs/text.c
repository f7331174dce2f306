// SPDX-License-Identifier: MIT
/*
 * A program that was run and is then changed in place runs with its new bytes. Processes that still
 * run the old ones do not prevent it.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Long after the file's last change, because the kernel may keep a copy of its pages:
 * kernel/mm/text_cache.h.
 */
#define SETTLED 5

/* In the program's text, as far from the data segment as possible. COPY patches it. */
__attribute__((section(".text.mark"), aligned(4096), used)) static const char mark[] =
	"this program's mark is 0\n";

static int copy_self(const char *to)
{
	static char buf[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0755);
	ssize_t n;

	NEED(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(out, buf, (size_t)n) == n);
	close(in);
	return close(out);
}

/* Overwrites the digit of the mark. */
static void patch(const char *path, char digit)
{
	static char file[8 << 20];
	int fd = open(path, O_RDWR);
	ssize_t n = read(fd, file, sizeof(file));
	char *at = memmem(file, (size_t)n, "this program's mark", 19);

	NEED(n > 0 && at);
	NEED(pwrite(fd, &digit, 1, at - file + (long)strlen(mark) - 2) == 1);
	close(fd);
}

static void run(const char *path)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execl(path, path, "speak", NULL);
		_exit(127);
	}
	NEED(waitpid(child, &status, 0) == child);
	CHECK(status == 0);
}

LONE_CASE(speak)
{
	fwrite(mark, 1, strlen(mark), stdout);
}

CASE(changed_program)
{
	SHOW(copy_self("copy"));
	run("./copy");
	sleep(SETTLED);
	run("./copy");
	run("./copy");
	patch("copy", '1');
	run("./copy");
	patch("copy", '2');
	run("./copy");
	sleep(SETTLED);
	run("./copy");
	patch("copy", '3');
	run("./copy");
	SHOW(unlink("copy"));
}
