// SPDX-License-Identifier: MIT
/* Processes as files: pidfd_open(2), CLONE_PIDFD, pidfd_send_signal(2), pidfd_getfd(2). */
#include "check.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDFD_NONBLOCK_ O_NONBLOCK

static int pidfd_open_(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int pidfd_send(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static int pidfd_getfd_(int fd, int target, unsigned flags)
{
	return (int)syscall(SYS_pidfd_getfd, fd, target, flags);
}

/* A child that exits with the byte that it reads, or ends when its parent does. */
struct child {
	pid_t pid;
	int fd; /* pidfd */
	int in; /* to it */
};

static void in_child(int from)
{
	unsigned char c = 99;

	if (read(from, &c, 1) != 1)
		c = 98;
	_exit(c);
}

static struct child start(unsigned flags)
{
	struct child c;
	int p[2];

	fflush(stdout);
	NEED(pipe2(p, O_CLOEXEC) == 0);
	c.pid = fork();
	NEED(c.pid >= 0);
	if (c.pid == 0) {
		close(p[1]);
		in_child(p[0]);
	}
	close(p[0]);
	c.in = p[1];
	c.fd = pidfd_open_(c.pid, flags);
	return c;
}

static void finish(struct child *c, unsigned char code)
{
	NEED(write(c->in, &code, 1) == 1);
	close(c->in);
}

static int readable(int fd, int timeout)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r = poll(&p, 1, timeout);

	return r < 0 ? r : p.revents & POLLIN;
}

static void show_wait(int type, int id, int options)
{
	siginfo_t info = {0};
	int r;

	r = (int)SHOW(waitid((idtype_t)type, (id_t)id, &info, options));
	if (r == 0)
		printf("    signal %d code %d status %d\n", info.si_signo, info.si_code,
		       info.si_status);
}

CASE(opening)
{
	struct child c = start(0);

	CHECK(c.fd >= 0);
	SHOW(fcntl(c.fd, F_GETFD));
	SHOW(fcntl(c.fd, F_GETFL));
	SHOW(pidfd_open_(c.pid, 1));
	SHOW(pidfd_open_(0, 0));
	SHOW(pidfd_open_(-5, 0));
	SHOW(pidfd_open_(0x3fffff, 0));
	SHOW_OK(pidfd_open_(getpid(), 0));
	finish(&c, 3);
	show_wait(P_PIDFD, c.fd, WEXITED);
	SHOW(pidfd_open_(c.pid, 0));
	close(c.fd);
}

CASE(polling)
{
	struct child c = start(0);
	struct epoll_event ev = {.events = EPOLLIN, .data = {.u64 = 7}}, got = {0};
	int ep = epoll_create1(0), later;

	SHOW(readable(c.fd, 0));
	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, c.fd, &ev));
	SHOW(epoll_wait(ep, &got, 1, 0));
	finish(&c, 0);
	SHOW(readable(c.fd, -1));
	SHOW(epoll_wait(ep, &got, 1, -1));
	SHOW(got.data.u64);
	CHECK(got.events & EPOLLIN);
	later = pidfd_open_(c.pid, 0);
	CHECK(later >= 0);
	SHOW(readable(later, 0));
	show_wait(P_PIDFD, c.fd, WEXITED);
	SHOW(readable(c.fd, 0));
	SHOW(readable(later, 0));
	close(later);
	close(ep);
	close(c.fd);
}

CASE(waiting)
{
	struct child c = start(0);

	show_wait(P_PIDFD, c.fd, WEXITED | WNOHANG);
	show_wait(P_PIDFD, c.fd, 0);
	show_wait(P_PIDFD, 99, WEXITED);
	show_wait(P_PIDFD, 0, WEXITED);
	show_wait(P_PIDFD, -1, WEXITED);
	kill(c.pid, SIGSTOP);
	show_wait(P_PIDFD, c.fd, WSTOPPED);
	SHOW(readable(c.fd, 0));
	kill(c.pid, SIGCONT);
	show_wait(P_PIDFD, c.fd, WCONTINUED);
	finish(&c, 42);
	show_wait(P_PIDFD, c.fd, WEXITED | WNOWAIT);
	show_wait(P_PIDFD, c.fd, WEXITED);
	show_wait(P_PIDFD, c.fd, WEXITED);
	close(c.fd);
	c.fd = pidfd_open_(getpid(), 0);
	show_wait(P_PIDFD, c.fd, WEXITED);
	close(c.fd);
}

CASE(not_blocking)
{
	struct child c = start(PIDFD_NONBLOCK_);

	SHOW(fcntl(c.fd, F_GETFL) & O_NONBLOCK);
	show_wait(P_PIDFD, c.fd, WEXITED);
	show_wait(P_PIDFD, c.fd, WEXITED | WNOHANG);
	finish(&c, 1);
	NEED(readable(c.fd, -1));
	show_wait(P_PIDFD, c.fd, WEXITED);
	close(c.fd);
}

CASE(signals)
{
	struct child c = start(0);
	siginfo_t info = {0};
	char path[64];
	int dir, other;

	SHOW(pidfd_send(c.fd, 0, NULL, 0));
	snprintf(path, sizeof(path), "/proc/%d", c.pid);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	SHOW(pidfd_send(dir, 0, NULL, 0));
	SHOW_OK(waitid(P_PIDFD, (id_t)dir, NULL, WEXITED | WNOHANG));
	strcat(path, "/fd");
	other = open(path, O_RDONLY | O_DIRECTORY);
	SHOW(pidfd_send(other, 0, NULL, 0));
	SHOW(pidfd_send(c.fd, 65, NULL, 0));
	SHOW(pidfd_send(c.fd, SIGTERM, NULL, 0x100));
	SHOW(pidfd_send(99, SIGTERM, NULL, 0));
	SHOW(pidfd_send(0, SIGTERM, NULL, 0));
	info.si_signo = SIGUSR1;
	info.si_code = SI_QUEUE;
	SHOW(pidfd_send(c.fd, SIGUSR2, &info, 0));
	info.si_signo = SIGTERM;
	info.si_code = SI_USER;
	SHOW(pidfd_send(c.fd, SIGTERM, &info, 0));
	SHOW(pidfd_send(c.fd, SIGTERM, (siginfo_t *)8, 0));
	SHOW(pidfd_send(c.fd, SIGTERM, NULL, 0));
	NEED(readable(c.fd, -1));
	SHOW(pidfd_send(c.fd, SIGTERM, NULL, 0));
	show_wait(P_PIDFD, c.fd, WEXITED);
	SHOW(pidfd_send(c.fd, SIGTERM, NULL, 0));
	SHOW(pidfd_send(dir, SIGTERM, NULL, 0));
	close(dir);
	close(other);
	close(c.in);
	close(c.fd);
}

static volatile sig_atomic_t got_value, got_code, got_signal;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	got_signal = sig;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
}

CASE(signals_to_itself)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	int fd = pidfd_open_(getpid(), 0);
	siginfo_t info = {0};

	sigaction(SIGUSR1, &sa, NULL);
	info.si_signo = SIGUSR1;
	info.si_code = SI_QUEUE;
	info.si_value.sival_int = 77;
	SHOW(pidfd_send(fd, SIGUSR1, &info, 0));
	printf("  %d %d %d\n", (int)got_signal, (int)got_code, (int)got_value);
	SHOW(pidfd_send(fd, SIGUSR1, NULL, 0));
	printf("  %d %d\n", (int)got_signal, (int)got_code);
	close(fd);
}

CASE(with_clone)
{
	int fd = -1, p[2];
	struct clone_args args = {
		.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
	struct child c;

	fflush(stdout);
	NEED(pipe2(p, O_CLOEXEC) == 0);
	c.pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	NEED(c.pid >= 0);
	if (c.pid == 0) {
		close(p[1]);
		if (fcntl(fd, F_GETFD) != -1)
			_exit(55); /* the parent's, not the child's */
		in_child(p[0]);
	}
	close(p[0]);
	c.in = p[1];
	c.fd = fd;
	CHECK(fd >= 0);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(readable(fd, 0));
	finish(&c, 9);
	show_wait(P_PIDFD, fd, WEXITED);
	close(fd);

	c.pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, 0);
	NEED(c.pid >= 0);
	if (c.pid == 0)
		_exit(4);
	show_wait(P_PIDFD, fd, WEXITED);
	close(fd);
	SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, 0));
	SHOW(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, 8, NULL, 0));
	show_wait(P_ALL, 0, WEXITED);
}

CASE(descriptors_of_others)
{
	struct child c;
	int p[2], copy, self = pidfd_open_(getpid(), 0);
	char text[8] = "";

	NEED(pipe(p) == 0);
	c = start(0);
	/* What is closed here is still open there. */
	close(p[0]);
	copy = pidfd_getfd_(c.fd, p[0], 0);
	CHECK(copy >= 0);
	SHOW(fcntl(copy, F_GETFD));
	SHOW(write(p[1], "moved", 5));
	SHOW(read(copy, text, sizeof(text)));
	printf("  %s\n", text);
	SHOW(pidfd_getfd_(c.fd, 500, 0));
	SHOW(pidfd_getfd_(c.fd, -1, 0));
	SHOW(pidfd_getfd_(c.fd, 0, 1));
	SHOW(pidfd_getfd_(p[1], 0, 0));
	SHOW_OK(pidfd_getfd_(self, p[1], 0));
	finish(&c, 0);
	NEED(readable(c.fd, -1));
	SHOW(pidfd_getfd_(c.fd, 0, 0));
	show_wait(P_PIDFD, c.fd, WEXITED);
	SHOW(pidfd_getfd_(c.fd, 0, 0));
	close(copy);
	close(p[1]);
	close(c.fd);
	close(self);
}

CASE(as_a_file)
{
	struct child c = start(0);
	char text[256], want[64];
	ssize_t n;
	int fd;

	SHOW(read(c.fd, text, sizeof(text)));
	SHOW(write(c.fd, text, 1));
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", c.fd);
	fd = open(text, O_RDONLY);
	NEED(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	NEED(n > 0);
	text[n] = 0;
	close(fd);
	snprintf(want, sizeof(want), "\nPid:\t%d\nNSpid:\t%d\n", c.pid, c.pid);
	CHECK(strstr(text, want));
	finish(&c, 0);
	show_wait(P_PIDFD, c.fd, WEXITED);
	close(c.fd);
}

/* struct pidfd_info, of its first size, and PIDFD_GET_INFO: Linux 6.13, with the exit code 6.15. */
struct info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};
#define GET_INFO   _IOWR(0xff, 11, struct info)
#define INFO_PID   1
#define INFO_CREDS 2
#define INFO_EXIT  8

CASE(information)
{
	struct child c = start(0);
	struct info info = {.mask = INFO_PID};

	if (!check_kernel(6, 15)) {
		finish(&c, 7);
		show_wait(P_PIDFD, c.fd, WEXITED);
		return;
	}
	SHOW(ioctl(c.fd, GET_INFO, &info));
	CHECK((info.mask & (INFO_PID | INFO_CREDS | INFO_EXIT)) == (INFO_PID | INFO_CREDS));
	CHECK(info.pid == (uint32_t)c.pid && info.tgid == (uint32_t)c.pid);
	CHECK(info.ppid == (uint32_t)getpid());
	CHECK(info.ruid == getuid() && info.egid == getegid() && info.fsuid == geteuid());
	SHOW(ioctl(c.fd, GET_INFO, NULL));
	SHOW(ioctl(c.fd, GET_INFO, (void *)1));
	finish(&c, 7);
	show_wait(P_PIDFD, c.fd, WEXITED | WNOWAIT);
	info.mask = INFO_EXIT;
	SHOW(ioctl(c.fd, GET_INFO, &info));
	SHOW(info.mask & INFO_EXIT);
	show_wait(P_PIDFD, c.fd, WEXITED);
	info.mask = INFO_EXIT;
	SHOW(ioctl(c.fd, GET_INFO, &info));
	SHOW(info.mask & (INFO_PID | INFO_EXIT));
	SHOW(info.exit_code);
	info.mask = INFO_PID;
	SHOW(ioctl(c.fd, GET_INFO, &info));
	close(c.fd);
}
