// SPDX-License-Identifier: MIT
/*
 * A small tour of what a program asks of its kernel: arguments, environment, files, mapped memory,
 * a deep stack, standard input, and the price of a system call.
 *
 *   example-program [--time] [ARGUMENT...] <input
 *
 * Works in the current directory and leaves nothing there. Standard output is the same in each
 * run; --time prints what a system call took on standard error.
 *
 * Built three times from this one source: with glibc, dynamic and static, and freestanding on
 * libc/ and libc/program/, which needs -ffreestanding -fno-stack-protector -fno-pie, the include
 * path -Ilibc/program -Ilibc -I., and -nostdlib -static at the link.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "example-program.tmp"
#define PAGE	  4096

extern char **environ;

/* Says which step failed; the result is that of the section it ends. */
static int failed(const char *what)
{
	dprintf(STDERR_FILENO, "example-program: %s: error %d\n", what, errno);
	return 1;
}

static int show_arguments(int argc, char **argv)
{
	printf("arguments: %d\n", argc);
	for (int i = 1; i < argc; i++)
		printf("  [%d] \"%s\"\n", i, argv[i]);
	return 0;
}

static int show_environment(void)
{
	const char *home = getenv("HOME"), *path = getenv("PATH");
	int n = 0;

	while (environ[n])
		n++;
	printf("environment: %d variables\n", n);
	printf("  HOME=%s\n  PATH=%s\n", home ? home : "(not set)", path ? path : "(not set)");
	return 0;
}

static int show_files(void)
{
	static const char text[] = "a line written by example-program\n";
	char back[sizeof(text)];
	struct stat st;
	int fd = open(FILE_NAME, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return failed("create " FILE_NAME);
	for (int i = 0; i < 1000; i++)
		if (write(fd, text, sizeof(text) - 1) != sizeof(text) - 1)
			return failed("write");
	if (lseek(fd, 999 * (sizeof(text) - 1), SEEK_SET) < 0)
		return failed("seek");
	if (read(fd, back, sizeof(back)) != sizeof(text) - 1)
		return failed("read");
	back[sizeof(text) - 1] = '\0';
	if (fstat(fd, &st) != 0)
		return failed("stat");
	printf("files: %ld bytes, mode %o, the last line is %s", (long)st.st_size,
	       (unsigned int)st.st_mode, back);
	if (close(fd) != 0 || unlink(FILE_NAME) != 0)
		return failed("unlink");
	if (stat(FILE_NAME, &st) == 0 || errno != ENOENT)
		return failed("stat of a removed file");
	return 0;
}

static int show_memory(void)
{
	const size_t len = 64UL << 20, step = 1UL << 20;
	unsigned long sum = 0;
	unsigned char *map;

	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return failed("map memory");
	for (size_t i = 0; i < len; i += step)
		map[i] = (unsigned char)(i / step);
	if (mprotect(map, len, PROT_READ) != 0)
		return failed("protect memory");
	for (size_t i = 0; i < len; i += PAGE)
		sum += map[i];
	printf("memory: %lu MiB mapped, the sum of its pages is %lu\n", (unsigned long)(len >> 20),
	       sum);
	return munmap(map, len) ? failed("unmap memory") : 0;
}

/* Each level has a page of its own on the stack. */
static unsigned long descend(unsigned int levels)
{
	volatile unsigned char page[PAGE];

	page[levels % PAGE] = levels & 0xff;
	return levels ? descend(levels - 1) + page[levels % PAGE] : 0;
}

static int show_recursion(void)
{
	printf("recursion: 1000 pages deep, sum %lu\n", descend(1000));
	return 0;
}

static int show_input(void)
{
	static char data[64 << 10];
	unsigned long bytes = 0, lines = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, data, sizeof(data))) > 0) {
		bytes += n;
		for (const char *p = data; (p = memchr(p, '\n', data + n - p)); p++)
			lines++;
	}
	if (n < 0)
		return failed("read standard input");
	printf("standard input: %lu bytes, %lu lines\n", bytes, lines);
	return 0;
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int time_system_call(void)
{
	const int times = 10000;
	long start = now_ns();

	for (int i = 0; i < times; i++)
		getppid();
	dprintf(STDERR_FILENO, "system call: %ld ns\n", (now_ns() - start) / times);
	return 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	bad |= show_arguments(argc, argv);
	bad |= show_environment();
	bad |= show_files();
	bad |= show_memory();
	bad |= show_recursion();
	bad |= show_input();
	if (argc > 1 && strcmp(argv[1], "--time") == 0)
		bad |= time_system_call();
	printf(bad ? "something failed\n" : "all well\n");
	return bad;
}
