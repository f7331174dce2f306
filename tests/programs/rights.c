// SPDX-License-Identifier: MIT
/*
 * Descriptors that are passed on: through sockets (SCM_RIGHTS, for every kind of file and every
 * kind of receiver), by dup and fork, and over exec. Also what the holders of one open file share.
 */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 300

static int s[2];

static void make_pair(int type)
{
	NEED(socketpair(AF_UNIX, type, 0, s) == 0);
}

static void close_pair(void)
{
	close(s[0]);
	close(s[1]);
}

static ssize_t send_fds(int to, const int *fds, int n, const char *text)
{
	static char room[CMSG_SPACE(MOST * sizeof(int))] __attribute__((aligned(8)));
	struct iovec part = {(void *)text, strlen(text)};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
	return sendmsg(to, &m, 0);
}

/* Returns how many descriptors came, or -1 if recvmsg failed. */
static int receive_fds(int from, int *fds, int most, int flags, int *message_flags)
{
	static char room[CMSG_SPACE(MOST * sizeof(int))] __attribute__((aligned(8)));
	static char text[100];
	struct iovec part = {text, sizeof(text)};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = most ? CMSG_SPACE((size_t)most * sizeof(int)) : 0};
	int n = 0;

	if (recvmsg(from, &m, flags) < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int here = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		memcpy(fds + n, CMSG_DATA(c), (size_t)here * sizeof(int));
		n += here;
	}
	if (message_flags)
		*message_flags = m.msg_flags;
	return n;
}

static int pass(int fd)
{
	int got = -1;

	NEED(send_fds(s[0], &fd, 1, "x") == 1);
	NEED(receive_fds(s[1], &got, 1, 0, NULL) == 1);
	return got;
}

CASE(one_open_file)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600), got;

	make_pair(SOCK_STREAM);
	NEED(fd >= 0 && write(fd, "0123456789", 10) == 10);
	got = pass(fd);
	CHECK(got != fd);
	SHOW(lseek(got, 0, SEEK_CUR));
	SHOW(lseek(fd, 3, SEEK_SET));
	SHOW(lseek(got, 0, SEEK_CUR));
	SHOW(fcntl(got, F_SETFL, O_APPEND));
	SHOW(fcntl(fd, F_GETFL) & O_APPEND);
	SHOW(flock(fd, LOCK_EX | LOCK_NB));
	SHOW(flock(got, LOCK_SH | LOCK_NB));
	SHOW(fcntl(got, F_GETFD));
	SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
	SHOW(fcntl(got, F_GETFD));
	close(fd);
	SHOW(write(got, "ab", 2));
	SHOW(lseek(got, 0, SEEK_CUR));
	close(got);
	close_pair();
	unlink("file");
}

/* A file in flight is open although no process has a descriptor of it. */
CASE(closed_in_flight)
{
	int p[2], got;
	char c;

	make_pair(SOCK_DGRAM);
	NEED(pipe(p) == 0);
	NEED(send_fds(s[0], &p[1], 1, "x") == 1);
	close(p[1]);
	NEED(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0);
	SHOW(read(p[0], &c, 1));
	SHOW(receive_fds(s[1], &got, 1, 0, NULL));
	SHOW(write(got, "y", 1));
	SHOW(read(p[0], &c, 1));
	close(got);
	SHOW(read(p[0], &c, 1));
	/* A descriptor that nobody receives is closed with the socket. */
	close(p[0]);
	NEED(pipe(p) == 0);
	NEED(send_fds(s[0], &p[1], 1, "x") == 1);
	close(p[1]);
	close_pair();
	SHOW(read(p[0], &c, 1));
	close(p[0]);
}

CASE(many_at_once)
{
	static int fds[MOST], got[MOST];
	int n, same = 0;
	struct stat a, b;

	make_pair(SOCK_STREAM);
	for (int i = 0; i < MOST; i++)
		fds[i] = i % 2 ? s[0] : s[1];
	SHOW(send_fds(s[0], fds, 253, "x"));
	SHOW(send_fds(s[0], fds, 254, "x"));
	n = receive_fds(s[1], got, 253, 0, NULL);
	SHOW(n);
	for (int i = 0; i < n; i++) {
		NEED(fstat(got[i], &a) == 0 && fstat(fds[i], &b) == 0);
		same += a.st_ino == b.st_ino;
		close(got[i]);
	}
	SHOW(same);
	close_pair();
}

CASE(room_for_some_only)
{
	int fds[4], got[4] = {-1, -1, -1, -1}, flags = 0;
	int before, after;

	make_pair(SOCK_STREAM);
	for (int i = 0; i < 4; i++)
		fds[i] = s[0];
	before = dup(0);
	close(before);
	NEED(send_fds(s[0], fds, 4, "x") == 1);
	SHOW(receive_fds(s[1], got, 2, 0, &flags));
	SHOW((flags & MSG_CTRUNC) != 0);
	close(got[0]);
	close(got[1]);
	after = dup(0);
	close(after);
	CHECK(before == after);
	/* The same at the limit on descriptors. */
	struct rlimit old, limit;
	getrlimit(RLIMIT_NOFILE, &old);
	limit = (struct rlimit){(rlim_t)before + 1, old.rlim_max};
	NEED(send_fds(s[0], fds, 3, "x") == 1);
	NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	SHOW(receive_fds(s[1], got, 4, 0, &flags));
	SHOW((flags & MSG_CTRUNC) != 0);
	setrlimit(RLIMIT_NOFILE, &old);
	close(got[0]);
	close_pair();
}

CASE(close_on_exec_as_asked)
{
	int got[2];

	make_pair(SOCK_SEQPACKET);
	NEED(send_fds(s[0], s, 2, "x") == 1);
	SHOW(receive_fds(s[1], got, 2, MSG_CMSG_CLOEXEC, NULL));
	SHOW(fcntl(got[0], F_GETFD) + fcntl(got[1], F_GETFD));
	close(got[0]);
	close(got[1]);
	close_pair();
}

/* MSG_PEEK gives descriptors, too, and new ones each time. */
CASE(looked_at)
{
	int p[2], got[3];
	char c;

	make_pair(SOCK_STREAM);
	NEED(pipe(p) == 0);
	NEED(send_fds(s[0], &p[0], 1, "x") == 1);
	SHOW(receive_fds(s[1], &got[0], 1, MSG_PEEK, NULL));
	SHOW(receive_fds(s[1], &got[1], 1, MSG_PEEK, NULL));
	SHOW(receive_fds(s[1], &got[2], 1, 0, NULL));
	NEED(write(p[1], "abc", 3) == 3);
	for (int i = 0; i < 3; i++) {
		SHOW(read(got[i], &c, 1));
		close(got[i]);
	}
	close(p[0]);
	close(p[1]);
	close_pair();
}

/* read(2) takes the bytes and drops the descriptors. */
CASE(read_without_control)
{
	int p[2], got = -1;
	char c;

	make_pair(SOCK_STREAM);
	NEED(pipe(p) == 0);
	NEED(send_fds(s[0], &p[1], 1, "x") == 1);
	close(p[1]);
	SHOW(read(s[1], &c, 1));
	SHOW(read(p[0], &c, 1));
	/* Bytes with descriptors are not merged with the bytes after them. */
	NEED(send_fds(s[0], &p[0], 1, "with") == 4 && send(s[0], "without", 7, 0) == 7);
	char text[20];
	struct iovec part = {text, sizeof(text)};
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	SHOW(recvmsg(s[1], &m, 0));
	memcpy(&got, CMSG_DATA(&control.h), sizeof(int));
	close(got);
	close(p[0]);
	close_pair();
}

static void see(const char *what, int fd, int got)
{
	struct stat a, b;

	NEED(fstat(fd, &a) == 0 && fstat(got, &b) == 0);
	printf("  %s: %s\n", what,
	       a.st_mode == b.st_mode && a.st_ino == b.st_ino ? "the same" : "another");
}

/* Each kind of file, used by its receiver. */
CASE(every_kind_of_file)
{
	struct epoll_event event = {.events = EPOLLIN}, out;
	struct signalfd_siginfo info;
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	sigset_t set;
	uint64_t v = 5;
	int fd, got;
	char *map;
	char text[200];

	make_pair(SOCK_STREAM);
	fd = eventfd(3, 0);
	got = pass(fd);
	see("eventfd", fd, got);
	SHOW(read(got, &v, 8));
	SHOW(v);
	close(got);
	close(fd);

	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	got = pass(fd);
	SHOW(timerfd_settime(got, 0, &soon, NULL));
	SHOW(read(fd, &v, 8));
	close(got);
	close(fd);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	got = pass(fd);
	raise(SIGUSR1);
	SHOW(read(got, &info, sizeof(info)));
	SHOW(read(fd, &info, sizeof(info)));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(got);
	close(fd);

	fd = epoll_create1(0);
	NEED(epoll_ctl(fd, EPOLL_CTL_ADD, s[1], &event) == 0);
	got = pass(fd);
	NEED(write(s[0], "x", 1) == 1);
	SHOW(epoll_wait(got, &out, 1, 100));
	SHOW(read(s[1], text, 1));
	SHOW(epoll_ctl(got, EPOLL_CTL_DEL, s[1], NULL));
	SHOW(epoll_ctl(fd, EPOLL_CTL_DEL, s[1], NULL));
	close(got);
	close(fd);

	fd = memfd_create("passed", MFD_ALLOW_SEALING);
	NEED(ftruncate(fd, 4096) == 0);
	got = pass(fd);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, got, 0);
	NEED(map != MAP_FAILED);
	strcpy(map, "through the mapping");
	SHOW(pread(fd, text, 100, 0));
	printf("  %.19s\n", text);
	SHOW(fcntl(got, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(fcntl(fd, F_GET_SEALS));
	munmap(map, 4096);
	close(got);
	close(fd);

	fd = open(".", O_RDONLY | O_DIRECTORY);
	got = pass(fd);
	see("directory", fd, got);
	SHOW(fchdir(got));
	SHOW_OK(syscall(SYS_getdents64, got, text, sizeof(text)) > 0 ? 0 : -1);
	close(got);
	close(fd);

	fd = open(".", O_PATH);
	got = pass(fd);
	SHOW(fcntl(got, F_GETFL) & O_PATH);
	SHOW(read(got, text, 1));
	SHOW(fstatat(got, "", &(struct stat){0}, AT_EMPTY_PATH));
	close(got);
	close(fd);

	fd = open("/proc/self/comm", O_RDONLY);
	got = pass(fd);
	SHOW_OK(read(got, text, sizeof(text)) > 0 ? 0 : -1);
	close(got);
	close(fd);

	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	got = pass(fd);
	SHOW(syscall(SYS_pidfd_send_signal, got, 0, NULL, 0));
	SHOW(poll(&(struct pollfd){got, POLLIN, 0}, 1, 0));
	close(got);
	close(fd);

	fd = inotify_init1(IN_NONBLOCK);
	got = pass(fd);
	SHOW(inotify_add_watch(got, ".", IN_CREATE));
	NEED(mkdir("noticed", 0700) == 0 && rmdir("noticed") == 0);
	SHOW(read(fd, text, sizeof(text)));
	close(got);
	close(fd);
	close_pair();
}

/* To another process, through a named socket, and back. */
CASE(to_another_process)
{
	struct sockaddr_un name = {AF_UNIX, "meeting"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), status, got, fd;
	char text[20] = "";

	NEED(bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	     listen(listener, 1) == 0);
	fflush(stdout);
	if (fork() == 0) {
		int c = socket(AF_UNIX, SOCK_STREAM, 0);

		fd = open("file", O_RDWR | O_CREAT, 0600);
		NEED(connect(c, (struct sockaddr *)&name, sizeof(name)) == 0);
		NEED(fd >= 0 && write(fd, "from the child", 14) == 14 &&
		     lseek(fd, 5, SEEK_SET) == 5);
		NEED(send_fds(c, &fd, 1, "x") == 1);
		close(fd);
		NEED(receive_fds(c, &got, 1, 0, NULL) == 1);
		_exit(lseek(got, 0, SEEK_CUR) == 9 ? 0 : 1);
	}
	int c = accept(listener, NULL, NULL);
	SHOW(receive_fds(c, &got, 1, 0, NULL));
	SHOW(read(got, text, 4));
	printf("  %s\n", text);
	NEED(send_fds(c, &got, 1, "x") == 1);
	NEED(wait(&status) > 0);
	SHOW(status);
	close(got);
	close(c);
	close(listener);
	unlink("meeting");
	unlink("file");
}

/* A socket that is sent through itself. */
CASE(through_itself)
{
	int got;
	char c;

	make_pair(SOCK_STREAM);
	NEED(send_fds(s[0], &s[1], 1, "x") == 1);
	NEED(receive_fds(s[1], &got, 1, 0, NULL) == 1);
	SHOW(write(s[0], "y", 1));
	SHOW(read(got, &c, 1));
	close(got);
	/* Nobody can receive this one any more. Nothing else is lost. */
	NEED(send_fds(s[0], &s[1], 1, "x") == 1);
	close_pair();
	make_pair(SOCK_STREAM);
	SHOW(write(s[0], "z", 1));
	SHOW(read(s[1], &c, 1));
	close_pair();
}

CASE(who_sent_it)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char c;
	struct iovec part = {&c, 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	struct ucred *who = (void *)CMSG_DATA(&control.h), peer;
	socklen_t len = sizeof(peer);
	int on = 1;

	make_pair(SOCK_DGRAM);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	SHOW(send(s[0], "x", 1, 0));
	SHOW(recvmsg(s[1], &m, 0));
	CHECK(control.h.cmsg_type == SCM_CREDENTIALS && who->pid == getpid() &&
	      who->uid == getuid());
	control.h = (struct cmsghdr){CMSG_LEN(sizeof(*who)), SOL_SOCKET, SCM_CREDENTIALS};
	*who = (struct ucred){getpid(), getuid(), getgid()};
	m.msg_controllen = sizeof(control);
	SHOW(sendmsg(s[0], &m, 0));
	SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &len));
	CHECK(peer.pid == getpid() && peer.uid == getuid());
	close_pair();
}

/* -- dup, fork, exec --------------------------------------------------------------------------- */

CASE(numbers_of_duplicates)
{
	struct rlimit old, limit;
	int a = open("/dev/null", O_RDONLY), b;

	getrlimit(RLIMIT_NOFILE, &old);
	SHOW(dup2(a, a) == a);
	SHOW(dup3(a, a, 0));
	SHOW(dup3(a, a + 1, 0x123));
	SHOW(dup3(a, 50, O_CLOEXEC));
	SHOW(fcntl(50, F_GETFD));
	SHOW(dup2(a, 50));
	SHOW(fcntl(50, F_GETFD));
	SHOW(fcntl(a, F_DUPFD, 60));
	SHOW(fcntl(a, F_DUPFD, 60));
	SHOW(fcntl(a, F_DUPFD_CLOEXEC, 60));
	SHOW(fcntl(62, F_GETFD));
	SHOW(dup2(a, -1));
	SHOW(dup2(-1, a));
	SHOW(dup2(99, 99));
	SHOW(fcntl(a, F_DUPFD, -1));
	limit = (struct rlimit){70, old.rlim_max};
	NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	SHOW(dup2(a, 70));
	SHOW(fcntl(a, F_DUPFD, 70));
	SHOW(fcntl(a, F_DUPFD, 69));
	SHOW(fcntl(a, F_DUPFD, 69));
	NEED(setrlimit(RLIMIT_NOFILE, &old) == 0);
	SHOW(syscall(SYS_close_range, 50, 70, 0));
	SHOW(fcntl(69, F_GETFD));
	SHOW(syscall(SYS_close_range, 70, 50, 0));
	SHOW(syscall(SYS_close_range, 50, 70, 0x77));
	b = dup(a);
	SHOW(syscall(SYS_close_range, a, b, CLOSE_RANGE_CLOEXEC));
	SHOW(fcntl(a, F_GETFD) + fcntl(b, F_GETFD));
	close(a);
	close(b);
}

/* Which of the calls that make a descriptor mark it close-on-exec. */
CASE(close_on_exec_from_the_start)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 1};
	sigset_t set;
	int p[2], fd;

	sigemptyset(&set);
#define MARKED(call)                                                                               \
	do {                                                                                       \
		fd = (int)(call);                                                                  \
		printf("  %s: %d\n", #call, fd < 0 ? -errno : fcntl(fd, F_GETFD));                 \
		close(fd);                                                                         \
	} while (0)
	MARKED(open(".", O_RDONLY | O_CLOEXEC));
	MARKED(open(".", O_RDONLY));
	MARKED(open(".", O_PATH | O_CLOEXEC));
	MARKED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	MARKED(epoll_create1(EPOLL_CLOEXEC));
	MARKED(epoll_create(1));
	MARKED(eventfd(0, EFD_CLOEXEC));
	MARKED(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	MARKED(signalfd(-1, &set, SFD_CLOEXEC));
	MARKED(signalfd(-1, &set, 0));
	MARKED(inotify_init1(IN_CLOEXEC));
	MARKED(memfd_create("x", MFD_CLOEXEC));
	MARKED(memfd_create("x", 0));
	MARKED(syscall(SYS_pidfd_open, getpid(), 0));
	MARKED(dirfd(opendir(".")));
	MARKED(mq_open("/check-rights", O_CREAT | O_RDWR, 0600, &attr));
	mq_unlink("/check-rights");
	SHOW(pipe2(p, O_CLOEXEC));
	SHOW(fcntl(p[0], F_GETFD) + fcntl(p[1], F_GETFD));
	close(p[0]);
	close(p[1]);
}

/* The child of a fork shares each open file. Files that it opens itself are its own. */
CASE(shared_by_fork)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), status;
	char text[12] = "";

	NEED(fd >= 0 && write(fd, "0123456789", 10) == 10 && lseek(fd, 2, SEEK_SET) == 2);
	fflush(stdout);
	if (fork() == 0) {
		char path[40];
		int own;

		NEED(read(fd, text, 3) == 3);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, O_RDONLY);
		NEED(own >= 0 && lseek(own, 9, SEEK_SET) == 9);
		fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		_exit(0);
	}
	NEED(wait(&status) > 0);
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(write(fd, "a", 1));
	SHOW(lseek(fd, 0, SEEK_CUR));
	close(fd);
	unlink("file");
}

/* A read whose position another process's lseek moves: an open file has one position. */
CASE(one_position_for_many)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), status, sum = 0;
	unsigned char c;

	for (int i = 0; i < 200; i++) {
		c = (unsigned char)i;
		NEED(write(fd, &c, 1) == 1);
	}
	NEED(lseek(fd, 0, SEEK_SET) == 0);
	fflush(stdout);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			int n = 0;

			while (read(fd, &c, 1) == 1)
				n++;
			_exit(n);
		}
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	/* Each byte was read once. */
	SHOW(sum);
	close(fd);
	unlink("file");
}

/* Appending writes of many processes do not overwrite each other. */
CASE(appended_by_many)
{
	int status;
	struct stat st;

	fflush(stdout);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);

			for (int n = 0; n < 100; n++)
				NEED(write(fd, "a line of 20 letters", 20) == 20);
			_exit(0);
		}
	while (wait(&status) > 0)
		;
	NEED(stat("log", &st) == 0);
	SHOW(st.st_size);
	unlink("log");
}

static void exec_ls(void)
{
	execl("/bin/sh", "sh", "-c",
	      "for f in 20 21 22 23; do [ -e /proc/self/fd/$f ] && echo \"  $f\"; done; true",
	      NULL);
	_exit(99);
}

CASE(what_exec_leaves_open)
{
	int fd = open("/dev/null", O_RDWR), status;

	dup3(fd, 20, 0);
	dup3(fd, 21, O_CLOEXEC);
	dup3(fd, 22, O_CLOEXEC);
	fcntl(22, F_SETFD, 0);
	dup3(fd, 23, 0);
	fcntl(23, F_SETFD, FD_CLOEXEC);
	fflush(stdout);
	if (fork() == 0)
		exec_ls();
	NEED(wait(&status) > 0);
	SHOW(status);
	/* The same with a table that is shared with the parent. */
	if (vfork() == 0)
		exec_ls();
	NEED(wait(&status) > 0);
	SHOW(status);
	SHOW(fcntl(21, F_GETFD));
	SHOW(syscall(SYS_close_range, 20, 23, CLOSE_RANGE_UNSHARE));
	close(fd);
}

/* execveat(2) of a descriptor, close-on-exec or not. */
CASE(executed_by_descriptor)
{
	char *const argv[] = {"echo", "  by", "descriptor", NULL}, *const env[] = {NULL};
	int fd = open("/bin/echo", O_PATH | O_CLOEXEC), script, status;

	fflush(stdout);
	if (fork() == 0) {
		syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
		_exit(99);
	}
	NEED(wait(&status) > 0);
	SHOW(status);
	script = open("script", O_RDWR | O_CREAT, 0700);
	NEED(script >= 0 && write(script, "#!/bin/sh\necho \"  $#\"\n", 22) == 22);
	close(script);
	/* The interpreter of a script could not open a name that is closed by then. */
	for (int i = 0; i < 2; i++) {
		script = open("script", O_RDONLY | (i ? O_CLOEXEC : 0));
		if (fork() == 0) {
			syscall(SYS_execveat, script, "", argv, env, AT_EMPTY_PATH);
			_exit(errno);
		}
		NEED(wait(&status) > 0);
		SHOW(status);
		close(script);
	}
	close(fd);
	unlink("script");
}
