// SPDX-License-Identifier: MIT
/*
 * Calls that move bytes between files: which files they refuse, how much they move, when they wait,
 * and that RLIMIT_FSIZE holds for all of them.
 */
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int file_with(const char *name, size_t n)
{
	static const char bytes[16384];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	NEED(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* A file of the guest kernel's own has the access mode with which the program opened it. */
CASE(files_of_proc)
{
	int maps = open("/proc/self/maps", O_RDONLY), in = file_with("in", 100), p[2];
	char b[8];

	NEED(maps >= 0 && pipe(p) == 0);
	SHOW(splice(p[0], NULL, maps, NULL, 1, 0));
	NEED(write(p[1], "x", 1) == 1);
	SHOW(splice(p[0], NULL, maps, NULL, 1, 0));
	SHOW(sendfile(maps, in, NULL, 10));
	SHOW(copy_file_range(in, NULL, maps, NULL, 10, 0));
	SHOW(write(maps, "x", 1));
	SHOW(ftruncate(maps, 0));
	SHOW(fallocate(maps, 0, 0, 10));
	SHOW(read(maps, b, 8));
}

CASE(modes_and_kinds)
{
	int in = file_with("in", 100), wo = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int ap = open("out", O_WRONLY | O_APPEND), dir = open(".", O_RDONLY), p[2], q[2];
	int path = open("in", O_PATH), e = eventfd(1, EFD_NONBLOCK);
	loff_t at = 0, bad = -1;

	NEED(in >= 0 && wo >= 0 && ap >= 0 && dir >= 0 && path >= 0 && !pipe(p) && !pipe(q));
	NEED(write(p[1], "abc", 3) == 3);
	SHOW(splice(p[0], NULL, in, NULL, 0, 0));
	SHOW(splice(p[0], NULL, in, NULL, 1, 0x100));
	SHOW(splice(-1, NULL, in, NULL, 1, 0));
	SHOW(splice(p[1], NULL, in, NULL, 1, 0));
	SHOW(splice(p[0], NULL, p[1], NULL, 1, 0));
	SHOW(splice(p[0], &at, wo, NULL, 1, 0));
	SHOW(splice(p[0], NULL, q[1], &at, 1, 0));
	SHOW(splice(in, NULL, wo, NULL, 1, 0));
	SHOW(splice(p[0], NULL, ap, NULL, 1, 0));
	SHOW(splice(path, NULL, p[1], NULL, 1, 0));
	SHOW(splice(dir, NULL, p[1], NULL, 1, 0));
	SHOW(splice(e, NULL, p[1], NULL, 8, 0));
	SHOW(splice(in, &bad, p[1], NULL, 1, 0));
	SHOW(splice(in, (void *)8, p[1], NULL, 1, 0));
	SHOW(splice(p[0], NULL, wo, NULL, 9, 0));
	SHOW(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK));
	SHOW(tee(p[0], in, 1, 0));
	SHOW(tee(p[0], p[1], 1, 0));
	SHOW(tee(p[0], q[1], 1, 0x100));
	SHOW(sendfile(in, wo, NULL, 1));
	SHOW(sendfile(wo, dir, NULL, 1));
	SHOW(sendfile(ap, in, NULL, 1));
	SHOW(sendfile(path, in, NULL, 1));
	SHOW(sendfile(wo, p[0], &at, 1));
	SHOW(copy_file_range(in, NULL, wo, NULL, 5, 1));
	SHOW(copy_file_range(dir, NULL, wo, NULL, 5, 0));
	SHOW(copy_file_range(in, NULL, p[1], NULL, 5, 0));
	SHOW(copy_file_range(in, NULL, ap, NULL, 5, 0));
	SHOW(copy_file_range(wo, NULL, in, NULL, 5, 0));
}

CASE(as_much_as_fits)
{
	static char big[200000], small[100];
	struct iovec v = {big, sizeof(big)}, w = {small, sizeof(small)};
	int p[2];

	NEED(pipe(p) == 0);
	SHOW(vmsplice(p[0], &w, 1, SPLICE_F_NONBLOCK));
	SHOW(vmsplice(p[1], &w, 1, 0x100));
	SHOW(vmsplice(0x7fff, &w, 1, 0));
	SHOW(vmsplice(open("/dev/null", O_RDWR), &w, 1, 0));
	SHOW(vmsplice(p[1], (void *)8, 1, 0));
	SHOW(vmsplice(p[1], &w, 0, 0));
	v.iov_base = (void *)(((uintptr_t)big + 4095) & ~4095UL);
	v.iov_len = 150000;
	SHOW(vmsplice(p[1], &v, 1, 0));
	SHOW(vmsplice(p[1], &w, 1, SPLICE_F_NONBLOCK));
	SHOW(vmsplice(p[0], &w, 1, 0));
	NEED(fcntl(p[1], F_SETFL, O_NONBLOCK) == 0);
	SHOW(read(p[0], big, 200000));
	close(p[1]);
	SHOW(vmsplice(p[0], &w, 1, 0));
}

static void limit_calls(int o, int in, int pipe_out)
{
	loff_t at = 8192, from = 0;
	struct stat st;

	SHOW(write(o, "0123456789", 10));
	SHOW(pwrite(o, "0123456789", 10, 8190));
	SHOW(ftruncate(o, 8192));
	SHOW(fallocate(o, 0, 0, 9000));
	SHOW(sendfile(o, in, NULL, 100));
	SHOW(copy_file_range(in, &from, o, &at, 100, 0));
	SHOW(splice(pipe_out, NULL, o, NULL, 100, 0));
	at = 8190;
	from = 0;
	SHOW(copy_file_range(in, &from, o, &at, 100, 0));
	NEED(fstat(o, &st) == 0);
	SHOW(st.st_size);
}

static int too_large;

static void counts(int sig)
{
	too_large += sig == SIGXFSZ;
}

CASE(file_size_limit)
{
	int o = file_with("limited", 8192), in = file_with("in", 4096), p[2];
	struct sigaction sa = {.sa_handler = counts};
	struct rlimit was, r;

	NEED(getrlimit(RLIMIT_FSIZE, &was) == 0 && pipe(p) == 0);
	NEED(write(p[1], "abc", 3) == 3 && lseek(o, 0, SEEK_END) == 8192);
	r = (struct rlimit){8192, was.rlim_max};
	sigaction(SIGXFSZ, &sa, NULL);
	NEED(setrlimit(RLIMIT_FSIZE, &r) == 0);
	limit_calls(o, in, p[0]);
	SHOW(too_large);
	setrlimit(RLIMIT_FSIZE, &was);
}

static int pass(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", c = 'x';
	struct iovec iov = {&c, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int s[2], got;

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && sendmsg(s[0], &m, 0) == 1 &&
	     recvmsg(s[1], &m, 0) == 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return got;
}

/* A descriptor that arrived in a message has the access mode with which it was sent. */
CASE(received_descriptors)
{
	int ro, wo, rw = file_with("in", 100);

	ro = pass(open("in", O_RDONLY));
	wo = pass(open("in", O_WRONLY | O_APPEND));
	SHOW(fcntl(ro, F_GETFL) & O_ACCMODE);
	SHOW(fcntl(wo, F_GETFL) & (O_ACCMODE | O_APPEND));
	SHOW_OK((long)mmap(NULL, 100, PROT_READ, MAP_SHARED, ro, 0));
	SHOW_OK((long)mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0));
	SHOW_OK((long)mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, pass(rw), 0));
	SHOW(splice(pass(rw), NULL, ro, NULL, 1, 0));
	SHOW(sendfile(ro, rw, NULL, 1));
}

/* A private mapping is no writer; a shared one is. */
CASE(sealing_what_is_mapped)
{
	int a = memfd_create("a", MFD_ALLOW_SEALING), b = memfd_create("b", MFD_ALLOW_SEALING);
	char *m;

	NEED(a >= 0 && b >= 0 && ftruncate(a, 4096) == 0 && ftruncate(b, 4096) == 0);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, a, 0);
	NEED(m != MAP_FAILED);
	m[0] = 1;
	SHOW(fcntl(a, F_ADD_SEALS, F_SEAL_WRITE));
	m[0] = 2;
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, b, 0);
	NEED(m != MAP_FAILED);
	m[0] = 1;
	SHOW(fcntl(b, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(m, 4096);
	SHOW(fcntl(b, F_ADD_SEALS, F_SEAL_WRITE));
}
