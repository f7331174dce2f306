// SPDX-License-Identifier: MIT
/* Attempts to get more than a limit by system calls. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "attack.h"

#define MIB (1L << 20)

ATTEMPT("limits", memory, LIMIT, "--mem=64M")
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *at = mmap(NULL, 256 * MIB, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (at == MAP_FAILED)
			_exit(1);
		for (long i = 0; i < 256 * MIB; i += 4096)
			at[i] = 1;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	errno = ENOMEM;
	REACHED(status == 0);
}

ATTEMPT("limits", memory_file, LIMIT, "--mem=64M")
{
	int fd = memfd_create("m", 0);

	REACHED(!posix_fallocate(fd, 0, 512 * MIB));
}

ATTEMPT("limits", file_in_tmpfs, LIMIT, "--mem=64M")
{
	int fd = open("/tmp/large", O_RDWR | O_CREAT, 0600);
	static char block[1 << 20];

	for (int i = 0; i < 256; i++)
		if (write(fd, block, sizeof(block)) != sizeof(block))
			REACHED(false);
	return 0;
}

ATTEMPT("limits", processes, LIMIT, "--pids=20")
{
	int n = 0;
	pid_t pid = 0;

	/* A group of its own, which kill(2) ends afterwards. */
	setpgid(0, 0);
	while (n < 100 && (pid = fork()) > 0)
		n++;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	errno = EAGAIN;
	REACHED(n >= 100);
}

static void *rest(void *arg)
{
	pause();
	return arg;
}

ATTEMPT("limits", threads, LIMIT | THREADS, "--pids=20")
{
	pthread_t thread;
	int n = 0;

	while (n < 100 && !pthread_create(&thread, NULL, rest, NULL))
		n++;
	errno = EAGAIN;
	REACHED(n >= 100);
}

ATTEMPT("limits", open_files, LIMIT, "--fds=100")
{
	int n = 0;
	struct rlimit limit = {4096, 4096};

	setrlimit(RLIMIT_NOFILE, &limit);
	while (n < 900 && open("/dev/null", O_RDONLY) >= 0)
		n++;
	REACHED(n >= 500);
}

ATTEMPT("limits", open_files_of_children, LIMIT, "--fds=100")
{
	int reached = 0;

	for (int i = 0; i < 5; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			int n = 0;

			while (n < 90 && open("/dev/null", O_RDONLY) >= 0)
				n++;
			if (n < 90)
				_exit(1);
			/* It keeps them, and the next one is its child. */
			continue;
		}
		waitpid(pid, &status, 0);
		reached = status == 0;
		errno = ENFILE;
		if (i > 0)
			_exit(!reached);
		REACHED(reached);
	}
	_exit(0);
}

static bool writes(const char *path, long bytes)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	static char block[1 << 16];

	signal(SIGXFSZ, SIG_IGN);
	for (long n = 0; n < bytes; n += (long)sizeof(block))
		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			return false;
	return true;
}

ATTEMPT("limits", large_file, LIMIT, "--fsize=1M")
{
	REACHED(writes("/play/large", 2 * MIB));
}

ATTEMPT("limits", raised_file_size, LIMIT, "--fsize=1M")
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	REACHED(!setrlimit(RLIMIT_FSIZE, &limit) && writes("/play/large", 2 * MIB));
}

ATTEMPT("limits", written_bytes, LIMIT, "--disk=1M")
{
	REACHED(writes("/disk/large", 2 * MIB));
}

ATTEMPT("limits", written_bytes_of_two_files, LIMIT, "--disk=1M")
{
	REACHED(writes("/disk/one", 768 * 1024) && writes("/disk/two", 768 * 1024));
}

ATTEMPT("limits", copied_bytes, LIMIT, "--disk=1M")
{
	int from = open("/ro/large", O_RDONLY), to = open("/disk/large", O_RDWR | O_CREAT, 0600);
	off_t a = 0;

	if (from < 0 || to < 0)
		return errno;
	for (int i = 0; i < 4; i++) {
		a = 0;
		if (copy_file_range(from, &a, to, NULL, MIB, 0) <= 0 &&
		    (a = 0, sendfile(to, from, &a, MIB) <= 0))
			REACHED(false);
	}
	return 0;
}

ATTEMPT("limits", allocated_bytes, LIMIT, "--disk=1M")
{
	int fd = open("/disk/large", O_RDWR | O_CREAT, 0600);

	REACHED(fd >= 0 && !posix_fallocate(fd, 0, 8 * MIB));
}

ATTEMPT("limits", bytes_by_mapping, LIMIT, "--disk=1M")
{
	int fd = open("/disk/large", O_RDWR | O_CREAT, 0600);
	char *at;

	if (fd < 0 || ftruncate(fd, 8 * MIB))
		return errno;
	at = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return errno;
	memset(at, 1, 8 * MIB);
	return 0;
}

static bool spins(long seconds)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while (now.tv_sec - start.tv_sec < seconds);
	return true;
}

/*
 * Works for so many milliseconds or more, of a CPU that multiplies and adds each nanosecond. A
 * clock would not do: that of the guest counts what the host takes away as well.
 */
static bool works(long milliseconds)
{
	unsigned long x = 1;

	for (long i = 0; i < milliseconds * 1000000; i++) {
		x = x * 0x5851f42d4c957f2d + 1;
		__asm__ volatile("" : "+r"(x));
	}
	return true;
}

ATTEMPT("limits", wall_time, LIMIT, "--time=1")
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	REACHED(spins(3));
}

ATTEMPT("limits", wall_time_asleep, LIMIT, "--time=1")
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	sleep(3);
	return 0;
}

ATTEMPT("limits", cpu_time, LIMIT, "--cpu-time=500ms")
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	REACHED(works(1500));
}

ATTEMPT("limits", cpu_time_of_children, LIMIT, "--cpu-time=500ms")
{
	int status;

	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			works(1000);
			_exit(0);
		}
		wait(&status);
	}
	return 0;
}
