// SPDX-License-Identifier: MIT
/*
 * Pipes, and everything that a program can wait for: poll, select, epoll, eventfd, timerfd,
 * inotify.
 */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int p[2];

static void open_pipe(int flags)
{
	NEED(pipe2(p, flags) == 0);
}

static void close_pipe(void)
{
	close(p[0]);
	close(p[1]);
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

CASE(pipes)
{
	char data[16] = "";
	int n;
	static char big[1 << 17];
	struct stat st;

	signal(SIGPIPE, SIG_IGN);
	open_pipe(0);
	SHOW(write(p[1], "hello", 5));
	SHOW(ioctl(p[0], FIONREAD, &n));
	SHOW(n);
	SHOW(read(p[0], data, 3));
	SHOW(read(p[0], data, 16));
	SHOW(lseek(p[0], 0, SEEK_CUR));
	SHOW(pread(p[0], data, 1, 0));
	SHOW(write(p[0], "x", 1));
	SHOW(read(p[1], data, 1));
	SHOW(fstat(p[0], &st));
	SHOW(S_ISFIFO(st.st_mode));
	SHOW(fcntl(p[1], F_GETPIPE_SZ));
	SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 16));
	SHOW(fcntl(p[0], F_SETFL, O_NONBLOCK));
	SHOW(read(p[0], data, 1));
	SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
	SHOW(write(p[1], big, sizeof(big)));
	SHOW(write(p[1], big, 1));
	SHOW(read(p[0], big, 4096));
	SHOW(write(p[1], big, 5000));
	close(p[1]);
	SHOW(read(p[0], big, sizeof(big)));
	SHOW(read(p[0], data, 1));
	close(p[0]);
	open_pipe(O_CLOEXEC | O_NONBLOCK);
	SHOW(fcntl(p[0], F_GETFD));
	SHOW(fcntl(p[0], F_GETFL));
	SHOW(fcntl(p[1], F_GETFL));
	close(p[0]);
	SHOW(write(p[1], "x", 1));
	close(p[1]);
	SHOW(pipe2(p, 0x123));
	open_pipe(O_DIRECT);
	SHOW(write(p[1], "one", 3));
	SHOW(write(p[1], "two", 3));
	SHOW(read(p[0], data, 16));
	close_pipe();
}

CASE(named_pipes)
{
	char data[8] = "";

	SHOW(mkfifo("fifo", 0600));
	p[0] = SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
	p[1] = SHOW(open("fifo", O_WRONLY));
	SHOW(write(p[1], "via name", 8));
	SHOW(read(p[0], data, 8));
	close_pipe();
	p[0] = SHOW(open("fifo", O_RDWR));
	SHOW(write(p[0], "self", 4));
	SHOW(read(p[0], data, 8));
	close(p[0]);
	SHOW(unlink("fifo"));
}

CASE(polling)
{
	struct pollfd fds[5];
	long start;
	sigset_t mask;
	struct timespec ts = {0, 30000000};

	open_pipe(0);
	fds[0] = (struct pollfd){.fd = p[0], .events = POLLIN};
	fds[1] = (struct pollfd){.fd = p[1], .events = POLLOUT};
	fds[2] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = 77};
	fds[3] = (struct pollfd){.fd = 99, .events = POLLIN};
	SHOW(poll(fds, 4, -1));
	printf("  %x %x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents, fds[3].revents);
	start = now_ms();
	SHOW(poll(fds, 1, 30));
	CHECK(now_ms() - start >= 29);
	SHOW(poll(fds, 1, 0));
	SHOW(write(p[1], "x", 1));
	SHOW(poll(fds, 1, 1000));
	printf("  %x\n", fds[0].revents);
	close(p[1]);
	SHOW(poll(fds, 1, -1));
	printf("  %x\n", fds[0].revents);
	close(p[0]);
	start = now_ms();
	SHOW(poll(NULL, 0, 20));
	CHECK(now_ms() - start >= 19);
	sigemptyset(&mask);
	start = now_ms();
	SHOW(ppoll(NULL, 0, &ts, &mask));
	CHECK(now_ms() - start >= 29);
	ts.tv_nsec = -1;
	SHOW(ppoll(NULL, 0, &ts, NULL));
	open_pipe(0);
	close(p[0]);
	fds[0] = (struct pollfd){.fd = p[1], .events = POLLOUT};
	SHOW(poll(fds, 1, -1));
	printf("  %x\n", fds[0].revents);
	close(p[1]);
	int fd = open("/dev/null", O_RDWR);
	fds[0] = (struct pollfd){.fd = fd, .events = POLLIN | POLLOUT};
	SHOW(poll(fds, 1, -1));
	printf("  %x\n", fds[0].revents);
	close(fd);
}

static void on_child(int sig)
{
	(void)sig;
}

/*
 * A file of the kernel's and one of the host's have events, and signals come meanwhile: the answer
 * is a number of files, or EINTR.
 */
CASE(polling_among_signals)
{
	const struct sigaction sa = {.sa_handler = on_child};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), wrong = 0;
	struct pollfd fds[2];
	sigset_t blocked, was;
	pid_t parent = getpid(), pid;

	NEED(bind(listening, (struct sockaddr *)&at, len) == 0 && listen(listening, 8) == 0);
	NEED(getsockname(listening, (struct sockaddr *)&at, &len) == 0);
	NEED(connect(client, (struct sockaddr *)&at, len) == 0);
	open_pipe(0);
	NEED(write(p[1], "x", 1) == 1);
	fds[0] = (struct pollfd){.fd = listening, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = p[0], .events = POLLIN};
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	NEED(sigprocmask(SIG_BLOCK, &blocked, &was) == 0);
	pid = fork();
	if (pid == 0) {
		while (getppid() == parent)
			kill(parent, SIGUSR1);
		_exit(0);
	}
	NEED(pid > 0);
	for (int i = 0; i < 3000; i++) {
		int r = ppoll(fds, 2, NULL, &was);

		wrong += r < 1 && !(r == -1 && errno == EINTR);
	}
	CHECK(wrong == 0);
	NEED(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	sigprocmask(SIG_SETMASK, &was, NULL);
	close(client);
	close(listening);
	close_pipe();
}

CASE(selecting)
{
	fd_set in, out;
	struct timeval tv = {0, 30000}, bad = {0, -1};
	struct timespec ts = {0, 20000000};
	sigset_t mask;

	open_pipe(0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	SHOW(select(p[1] + 1, &in, &out, NULL, NULL));
	printf("  %d %d\n", FD_ISSET(p[0], &in) != 0, FD_ISSET(p[1], &out) != 0);
	FD_SET(p[0], &in);
	SHOW(select(p[1] + 1, &in, NULL, NULL, &tv));
	printf("  %d, time left %ld\n", FD_ISSET(p[0], &in) != 0, (long)tv.tv_usec);
	SHOW(write(p[1], "x", 1));
	FD_SET(p[0], &in);
	SHOW(select(p[1] + 1, &in, &out, NULL, &tv));
	FD_SET(50, &in);
	SHOW(select(51, &in, NULL, NULL, &tv));
	SHOW(select(-1, NULL, NULL, NULL, &tv));
	SHOW(select(0, NULL, NULL, NULL, &bad));
	SHOW(select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
	sigemptyset(&mask);
	SHOW(pselect(0, NULL, NULL, NULL, &ts, &mask));
	close_pipe();
}

CASE(epoll)
{
	struct epoll_event ev, out[4];
	int e, other;
	char c;

	open_pipe(O_NONBLOCK);
	e = SHOW(epoll_create1(EPOLL_CLOEXEC));
	SHOW(fcntl(e, F_GETFD));
	SHOW(epoll_create(0));
	SHOW(epoll_create1(99));
	ev = (struct epoll_event){.events = EPOLLIN, .data.u64 = 0x1122334455667788};
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev));
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, e, &ev));
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, 99, &ev));
	SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[1], &ev));
	SHOW(epoll_ctl(e, EPOLL_CTL_DEL, p[1], NULL));
	SHOW(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &ev));
	SHOW(epoll_wait(e, out, 4, 0));
	SHOW(epoll_wait(e, out, 4, 20));
	SHOW(epoll_wait(e, out, 0, 0));
	SHOW(write(p[1], "ab", 2));
	SHOW(epoll_wait(e, out, 4, -1));
	printf("  events %x, data %lx\n", out[0].events, (long)out[0].data.u64);
	SHOW(epoll_wait(e, out, 4, -1)); /* level-triggered: reported again */
	ev.events = EPOLLIN | EPOLLET;
	SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
	SHOW(epoll_wait(e, out, 4, 0));
	SHOW(epoll_wait(e, out, 4, 0)); /* edge-triggered: not reported again */
	SHOW(write(p[1], "c", 1));
	SHOW(epoll_wait(e, out, 4, 0));
	ev.events = EPOLLIN | EPOLLONESHOT;
	SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
	SHOW(epoll_wait(e, out, 4, 0));
	SHOW(epoll_wait(e, out, 4, 0));
	ev.events = EPOLLIN;
	SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev));
	/* A duplicate keeps the epoll registration after the first descriptor is closed. */
	other = dup(p[0]);
	close(p[0]);
	SHOW(epoll_wait(e, out, 4, 0));
	SHOW(epoll_ctl(e, EPOLL_CTL_DEL, other, NULL));
	SHOW(epoll_wait(e, out, 4, 0));
	ev.events = EPOLLOUT;
	ev.data.fd = 5;
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[1], &ev));
	SHOW(epoll_pwait(e, out, 4, -1, NULL));
	printf("  events %x\n", out[0].events);
	while (read(other, &c, 1) == 1)
		;
	close(other);
	SHOW(epoll_wait(e, out, 4, 0));
	printf("  events %x\n", out[0].events);
	close(p[1]);
	SHOW(epoll_wait(e, out, 4, 0));
	int file = open("plain", O_RDWR | O_CREAT, 0600);
	SHOW(epoll_ctl(e, EPOLL_CTL_ADD, file, &ev));
	close(file);
	close(e);
}

CASE(nested_epoll)
{
	struct epoll_event ev = {.events = EPOLLIN}, out;
	int outer = epoll_create1(0), inner = epoll_create1(0);
	struct pollfd fd = {.fd = outer, .events = POLLIN};

	open_pipe(0);
	SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev));
	SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, p[0], &ev));
	SHOW(epoll_wait(outer, &out, 1, 0));
	SHOW(write(p[1], "x", 1));
	SHOW(epoll_wait(outer, &out, 1, 100));
	SHOW(poll(&fd, 1, 100));
	SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &ev));
	close(inner);
	close(outer);
	close_pipe();
}

CASE(event_counters)
{
	uint64_t v = 3;
	int fd = SHOW(eventfd(5, EFD_NONBLOCK));

	SHOW(read(fd, &v, 8));
	SHOW(v);
	SHOW(read(fd, &v, 8));
	v = 7;
	SHOW(write(fd, &v, 8));
	SHOW(write(fd, &v, 8));
	SHOW(read(fd, &v, 8));
	SHOW(v);
	v = -1;
	SHOW(write(fd, &v, 8));
	SHOW(read(fd, &v, 4));
	v = -2;
	SHOW(write(fd, &v, 8));
	v = 1;
	SHOW(write(fd, &v, 8));
	close(fd);
	fd = SHOW(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
	SHOW(read(fd, &v, 8));
	SHOW(v);
	SHOW(read(fd, &v, 8));
	SHOW(read(fd, &v, 8));
	close(fd);
	SHOW(eventfd(0, 0x123456));
}

CASE(timer_files)
{
	struct itimerspec spec = {.it_value.tv_nsec = 20000000}, left;
	uint64_t v = 0;
	int fd = SHOW(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	long start = now_ms();

	SHOW(timerfd_settime(fd, 0, &spec, NULL));
	SHOW(timerfd_gettime(fd, &left));
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec <= 20000000);
	SHOW(read(fd, &v, 8));
	SHOW(v);
	CHECK(now_ms() - start >= 19);
	spec.it_interval.tv_nsec = 1000000;
	spec.it_value.tv_nsec = 1000000;
	SHOW(timerfd_settime(fd, 0, &spec, &left));
	SHOW(usleep(20000));
	SHOW(read(fd, &v, 8));
	CHECK(v >= 19);
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
	spec = (struct itimerspec){.it_value.tv_sec = 100};
	SHOW(timerfd_settime(fd, 0, &spec, NULL));
	SHOW(read(fd, &v, 8));
	/* An absolute time in the past expires at once. */
	spec = (struct itimerspec){.it_value.tv_nsec = 1};
	SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	SHOW(poll(&poll_fd, 1, 1000));
	SHOW(read(fd, &v, 8));
	spec.it_value.tv_nsec = 2000000000;
	SHOW(timerfd_settime(fd, 0, &spec, NULL));
	close(fd);
	SHOW(timerfd_create(999, 0));
	SHOW_OK(close(timerfd_create(CLOCK_REALTIME, 0)));
	SHOW_OK(close(timerfd_create(CLOCK_BOOTTIME, 0)));
}

static void print_events(int fd)
{
	char data[4096] __attribute__((aligned(8)));
	ssize_t n = read(fd, data, sizeof(data));

	printf("  %s\n", n < 0 ? check_errno(errno) : "events:");
	for (char *e = data; e < data + n;) {
		struct inotify_event *event = (void *)e;

		printf("    watch %d, mask %x, name \"%s\"%s\n", event->wd, event->mask,
		       event->len ? event->name : "", event->cookie ? ", cookie" : "");
		e += sizeof(*event) + event->len;
	}
}

CASE(file_watches)
{
	int fd = SHOW(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), file;

	mkdir("watched", 0700);
	SHOW(inotify_add_watch(fd, "watched", IN_CREATE | IN_DELETE | IN_MOVE | IN_CLOSE_WRITE));
	SHOW(inotify_add_watch(fd, "none", IN_CREATE));
	SHOW(inotify_add_watch(fd, "watched", 0));
	print_events(fd);
	file = open("watched/a", O_WRONLY | O_CREAT, 0600);
	print_events(fd);
	NEED(write(file, "x", 1) == 1);
	close(file);
	print_events(fd);
	rename("watched/a", "watched/b");
	print_events(fd);
	SHOW(inotify_add_watch(fd, "watched/b", IN_MODIFY | IN_DELETE_SELF | IN_ATTRIB));
	SHOW(truncate("watched/b", 10));
	SHOW(unlink("watched/b"));
	print_events(fd);
	SHOW(inotify_rm_watch(fd, 1));
	SHOW(inotify_rm_watch(fd, 1));
	print_events(fd);
	close(fd);
	SHOW(inotify_init1(0x1234567));
}

static volatile sig_atomic_t io_signals, io_fd, io_code;

static void on_io(int sig, siginfo_t *info, void *context)
{
	(void)context;
	io_signals++;
	io_fd = sig == SIGIO ? -1 : info->si_fd;
	io_code = info->si_code;
}

/* Sends a byte, and waits for as long as its signal may take. */
static int signals_for_a_byte(const int pair[2])
{
	char byte;

	io_signals = 0;
	NEED(write(pair[1], "x", 1) == 1);
	for (int i = 0; i < 100 && !io_signals; i++)
		settle(1000);
	NEED(read(pair[0], &byte, 1) == 1);
	return io_signals > 0;
}

/* A server whose workers report to it by SIGIO, as in nginx. */
CASE(input_that_signals)
{
	struct sigaction sa = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO | SA_RESTART};
	int on = 1, off = 0, pair[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	NEED(sigaction(SIGIO, &sa, NULL) == 0 && sigaction(SIGRTMIN, &sa, NULL) == 0);
	SHOW(fcntl(pair[0], F_GETOWN));
	CHECK(fcntl(pair[0], F_SETOWN, getpid()) == 0 && fcntl(pair[0], F_GETOWN) == getpid());
	SHOW(ioctl(pair[0], FIOASYNC, &on));
	CHECK(fcntl(pair[0], F_GETFL) == (O_RDWR | O_ASYNC));
	SHOW(signals_for_a_byte(pair));
	SHOW(fcntl(pair[0], F_SETSIG, SIGRTMIN));
	SHOW(signals_for_a_byte(pair));
	CHECK(io_fd == pair[0]);
	SHOW(io_code);
	SHOW(ioctl(pair[0], FIOASYNC, &off));
	SHOW(signals_for_a_byte(pair));
	SHOW(fcntl(pair[0], F_SETFL, O_ASYNC));
	SHOW(signals_for_a_byte(pair));
	SHOW(fcntl(pair[0], F_SETOWN, 0));
	SHOW(signals_for_a_byte(pair));
	SHOW(fcntl(pair[0], F_SETOWN, 0x7ffffff0));
	SHOW(fcntl(pair[0], F_SETSIG, 65));
	close(pair[0]);
	close(pair[1]);
}

LONE_CASE(signal_files)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = SHOW(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	if (fd < 0)
		return;
	SHOW(read(fd, &info, sizeof(info)));
	raise(SIGUSR1);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	SHOW(poll(&poll_fd, 1, 100));
	SHOW(read(fd, &info, sizeof(info)));
	CHECK(info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid());
	SHOW(read(fd, &info, 10));
	close(fd);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* One call returns all events, however many. */
CASE(many_events)
{
	enum { MANY = 1500 };
	static struct epoll_event got[MANY];
	int epoll = epoll_create1(0), event = eventfd(1, 0), added = 0;
	struct rlimit limit, more;

	NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	more = limit;
	more.rlim_cur = MANY + 100;
	NEED(setrlimit(RLIMIT_NOFILE, &more) == 0);
	for (int i = 0; i < MANY; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = (unsigned)i};
		int fd = fcntl(event, F_DUPFD, 50);

		added += fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
	}
	SHOW(added);
	SHOW(epoll_wait(epoll, got, MANY, 0));
	SHOW(epoll_wait(epoll, got, MANY, 0));
	SHOW(epoll_wait(epoll, got, 100, 0));
	for (int i = 0; i < MANY; i++)
		close(50 + i);
	close(event);
	close(epoll);
	NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}
