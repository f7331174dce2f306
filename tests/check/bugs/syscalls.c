// SPDX-License-Identifier: MIT
/*
 * Buffers passed to the kernel, which makes the access, so that no instruction of the program
 * faults. Tools that rely on page tables see only a short count or EFAULT.
 */
#define _GNU_SOURCE
#include "bug.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int zeroes(void)
{
	return open("/dev/zero", O_RDONLY);
}

static int nowhere(void)
{
	return open("/dev/null", O_WRONLY);
}

/* A released buffer, or one that is released afterwards. */
static void *maybe_released(size_t size)
{
	char *p = calloc(1, size);
	if (bad)
		free(p);
	return hide(p);
}

static void release(void *p)
{
	if (!bad)
		free(p);
}

#define RELEASED "; alloc=maybe_released,..; free=maybe_released,.."

BUG(read_into_released,
    "heap-use-after-free syscall-write ? at 0 of 64; in=..,read_into_released" RELEASED)
{
	void *p = maybe_released(64);
	sink = read(zeroes(), p, 64);
	release(p);
}

BUG(write_of_released,
    "heap-use-after-free syscall-read ? at 0 of 64; in=..,write_of_released" RELEASED)
{
	void *p = maybe_released(64);
	int ends[2];
	if (pipe(ends))
		abort();
	sink = write(ends[1], p, 64);
	release(p);
}

BUG(read_past, "heap-overflow syscall-write ? at ? of 64; in=..,read_past")
{
	char *p = malloc(64);
	sink = read(zeroes(), hide(p), bad ? 100 : 64);
	free(p);
}

BUG(read_far_past, "heap-overflow syscall-write ? at ? of 4096; in=..,read_far_past")
{
	char *p = malloc(4096);
	sink = read(zeroes(), hide(p), bad ? 65536 : 4096);
	free(p);
}

BUG(write_past, "heap-overflow syscall-read ? at ? of 32; in=..,write_past")
{
	char *p = calloc(1, 32);
	int ends[2];
	if (pipe(ends))
		abort();
	sink = write(ends[1], hide(p), bad ? 48 : 32);
	free(p);
}

BUG(pread_past, "heap-overflow syscall-write ? at ? of 128; in=..,pread_past")
{
	char *p = malloc(128);
	int fd = open("/proc/self/exe", O_RDONLY);
	sink = pread(fd, hide(p), bad ? 160 : 128, 0);
	free(p);
}

BUG(readv_second_buffer,
    "heap-use-after-free syscall-write ? at 0 of 48; in=..,readv_second_buffer" RELEASED)
{
	char first[16];
	void *p = maybe_released(48);
	struct iovec v[2] = {{first, 16}, {p, 48}};
	sink = readv(zeroes(), v, 2);
	release(p);
}

BUG(writev_past, "heap-overflow syscall-read ? at ? of 64; in=..,writev_past")
{
	char *p = calloc(1, 64);
	int ends[2];
	if (pipe(ends))
		abort();
	struct iovec v = {hide(p), bad ? 80 : 64};
	sink = writev(ends[1], &v, 1);
	free(p);
}

BUG(recv_into_released,
    "heap-use-after-free syscall-write ? at 0 of 64; in=..,recv_into_released" RELEASED)
{
	void *p = maybe_released(64);
	int s[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		abort();
	sink = send(s[0], "sixteen letters.", 16, 0);
	sink = recv(s[1], p, 64, 0);
	release(p);
}

BUG(send_past, "heap-overflow syscall-read ? at ? of 32; in=..,send_past")
{
	char *p = calloc(1, 32);
	int s[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		abort();
	sink = send(s[0], hide(p), bad ? 64 : 32, 0);
	free(p);
}

BUG(stat_into_released,
    "heap-use-after-free syscall-write ? at ? of 144; in=..,stat_into_released" RELEASED
    "; only dynamic static")
{
	struct stat *st = maybe_released(sizeof(*st));
	sink = stat("/", st);
	release(st);
}

BUG(path_released, "heap-use-after-free syscall-read ? at 0 of 32; in=..,path_released")
{
	char *path = strcpy(malloc(32), "/dev/null");
	if (bad)
		free(path);
	sink = open(hide(path), O_RDONLY);
	if (!bad)
		free(path);
}

BUG(pipe_ends_past, "heap-overflow syscall-write ? at ? of 16; in=..,pipe_ends_past")
{
	int *ends = malloc(16);
	sink = pipe((int *)hide(ends) + (bad ? 3 : 0));
	free(ends);
}

BUG(poll_past, "heap-overflow syscall-read ? at ? of 16; in=..,poll_past")
{
	struct pollfd *fds = calloc(2, sizeof(*fds));
	fds[0].fd = fds[1].fd = nowhere();
	fds[0].events = fds[1].events = POLLOUT;
	sink = poll(hide(fds), bad ? 3 : 2, 0);
	free(fds);
}

BUG(timespec_released,
    "heap-use-after-free syscall-read ? at 0 of 16; in=..,timespec_released" RELEASED)
{
	struct timespec *ts = maybe_released(sizeof(*ts));
	sink = nanosleep(ts, NULL);
	release(ts);
}

BUG(getcwd_past, "heap-overflow syscall-write ? at ? of 16; in=..,getcwd_past")
{
	char *p = malloc(bad ? 16 : 4096);
	if (chdir("/usr/share/doc/"))
		abort();
	sink = getcwd(hide((char *)p + (bad ? 8 : 0)), 4096) != NULL;
	free(p);
}

BUG(iovec_array_released,
    "heap-use-after-free syscall-read ? at 0 of 32; in=..,iovec_array_released" RELEASED)
{
	struct iovec *v = maybe_released(32);
	static char text[16];
	if (!bad)
		v[0] = v[1] = (struct iovec){text, 16};
	sink = writev(nowhere(), v, 2);
	release(v);
}
