// SPDX-License-Identifier: MIT
/*
 * Timers as files, of both kinds: the guest kernel's own, and those that the host has. A timer of
 * CLOCK_MONOTONIC moves when the host has to know it, and any flock(2) is such a reason; natively
 * flock(2) changes nothing. No case relies on an upper limit of a time.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define MS	   1000000L
#define LATER	   100 /* seconds: never, for a case */

/* Runs a case's body for a timer of the kernel's, and for one that has moved. */
#define BOTH_KINDS for (int kind_ = 0; kind_ < 2 && (hosts = kind_, true); kind_++)

static bool hosts;
static uint64_t count;

static void move(int fd)
{
	NEED(flock(fd, LOCK_UN) == 0);
}

static int new_timer(int flags)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, flags);

	NEED(fd >= 0);
	if (hosts)
		move(fd);
	return fd;
}

static struct itimerspec in_ns(long first, long interval)
{
	return (struct itimerspec){
		.it_value = {first / 1000000000, first % 1000000000},
		.it_interval = {interval / 1000000000, interval % 1000000000},
	};
}

static void set(int fd, long first, long interval)
{
	struct itimerspec spec = in_ns(first, interval);

	NEED(timerfd_settime(fd, 0, &spec, NULL) == 0);
}

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Returns the number that a read gets, or the negative of errno. */
static long take(int fd)
{
	errno = 0;
	return read(fd, &count, sizeof(count)) == sizeof(count) ? (long)count : -errno;
}

static bool is_left(const struct itimerspec *spec, long most)
{
	long left = spec->it_value.tv_sec * 1000000000 + spec->it_value.tv_nsec;

	return left >= 0 && left <= most;
}

CASE(reading)
{
	BOTH_KINDS
	{
		struct itimerspec spec, old;
		long start = now_ns();
		int fd = new_timer(0);

		SHOW(timerfd_gettime(fd, &old));
		SHOW(old.it_value.tv_sec + old.it_value.tv_nsec + old.it_interval.tv_nsec);
		set(fd, 20 * MS, 0);
		SHOW(take(fd));
		CHECK(now_ns() - start >= 20 * MS);
		/* It stays disarmed. */
		SHOW(timerfd_gettime(fd, &old));
		SHOW(old.it_value.tv_sec + old.it_value.tv_nsec);
		SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
		SHOW(take(fd));
		/* An interval: what was not read adds up. */
		set(fd, 5 * MS, 5 * MS);
		start = now_ns();
		while (now_ns() - start < 30 * MS)
			;
		CHECK(take(fd) >= 5);
		CHECK(take(fd) <= 1 || count < 1000);
		/* timerfd_gettime(2) shows the time until the next one, and loses none. */
		set(fd, 5 * MS, 5 * MS);
		start = now_ns();
		while (now_ns() - start < 30 * MS)
			;
		SHOW(timerfd_gettime(fd, &old));
		CHECK(is_left(&old, 5 * MS));
		SHOW(old.it_interval.tv_nsec);
		CHECK(take(fd) >= 5);
		/* Set anew: the old value is told, and old expirations are lost. */
		set(fd, 1, 0);
		settle(5000);
		spec = in_ns(LATER * 1000 * MS, 7);
		SHOW(timerfd_settime(fd, 0, &spec, &old));
		SHOW(old.it_value.tv_sec + old.it_value.tv_nsec);
		SHOW(take(fd));
		SHOW(timerfd_gettime(fd, &old));
		CHECK(is_left(&old, LATER * 1000 * MS));
		SHOW(old.it_interval.tv_nsec);
		/* Disarmed: the interval stays. */
		spec = in_ns(0, 9);
		SHOW(timerfd_settime(fd, 0, &spec, NULL));
		SHOW(timerfd_gettime(fd, &old));
		SHOW(old.it_value.tv_sec + old.it_value.tv_nsec);
		SHOW(old.it_interval.tv_nsec);
		SHOW(take(fd));
		close(fd);
	}
}

CASE(moments)
{
	static const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};

	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		int fd = SHOW_OK(timerfd_create(clocks[i], TFD_CLOEXEC | TFD_NONBLOCK));
		struct pollfd p = {fd, POLLIN, 0};
		struct itimerspec spec = {0}, old;

		NEED(clock_gettime(clocks[i], &spec.it_value) == 0);
		spec.it_value.tv_sec += LATER;
		SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
		SHOW(timerfd_gettime(fd, &old));
		CHECK(is_left(&old, LATER * 1000 * MS));
		SHOW(take(fd));
		/* A moment that has passed. */
		spec = in_ns(1, 0);
		SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
		SHOW(poll(&p, 1, -1));
		SHOW(take(fd));
		/* One soon. */
		NEED(clock_gettime(clocks[i], &spec.it_value) == 0);
		spec.it_value.tv_nsec += 10 * MS;
		spec.it_value.tv_sec += spec.it_value.tv_nsec / 1000000000;
		spec.it_value.tv_nsec %= 1000000000;
		SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, NULL));
		SHOW(poll(&p, 1, -1));
		SHOW(take(fd));
		SHOW(fcntl(fd, F_GETFD));
		SHOW(fcntl(fd, F_GETFL));
		close(fd);
	}
}

CASE(errors)
{
	struct itimerspec spec = in_ns(1, 0);
	int other = open("/dev/null", O_RDWR), p[2];

	SHOW(timerfd_create(999, 0));
	SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC_RAW, 0));
	SHOW(timerfd_create(CLOCK_TAI, 0));
	SHOW(timerfd_create(-1, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC, 4));
	SHOW(timerfd_create(CLOCK_MONOTONIC, O_APPEND));
	SHOW_OK(close(timerfd_create(CLOCK_REALTIME_ALARM, 0)));
	SHOW_OK(close(timerfd_create(CLOCK_BOOTTIME_ALARM, 0)));
	NEED(other >= 0 && pipe(p) == 0);
	SHOW(timerfd_settime(-1, 0, &spec, NULL));
	SHOW(timerfd_settime(other, 0, &spec, NULL));
	SHOW(timerfd_settime(p[0], 0, &spec, NULL));
	SHOW(timerfd_gettime(-1, &spec));
	SHOW(timerfd_gettime(other, &spec));
	SHOW(timerfd_gettime(p[0], &spec));
	close(other);
	close(p[0]);
	close(p[1]);
	BOTH_KINDS
	{
		int fd = new_timer(TFD_NONBLOCK);

		spec = in_ns(1, 0);
		SHOW(timerfd_settime(fd, 4, &spec, NULL));
		SHOW(timerfd_settime(fd, 0, (void *)8, NULL));
		SHOW(timerfd_settime(fd, 0, &spec, (void *)8));
		SHOW(timerfd_gettime(fd, (void *)8));
		spec.it_value.tv_nsec = 1000000000;
		SHOW(timerfd_settime(fd, 0, &spec, NULL));
		spec.it_value.tv_nsec = -1;
		SHOW(timerfd_settime(fd, 0, &spec, NULL));
		spec = in_ns(1, 0);
		spec.it_interval.tv_nsec = 1000000000;
		SHOW(timerfd_settime(fd, 0, &spec, NULL));
		spec = in_ns(1, 0);
		spec.it_value.tv_sec = -1;
		SHOW(timerfd_settime(fd, 0, &spec, NULL));
		/* The largest values. */
		spec = (struct itimerspec){{INT64_MAX, 999999999}, {INT64_MAX, 999999999}};
		SHOW(timerfd_settime(fd, 0, &spec, NULL));
		SHOW(take(fd));
		SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL));
		SHOW(take(fd));
		set(fd, 1, 0);
		settle(5000);
		SHOW(read(fd, &count, 7));
		SHOW(read(fd, (void *)8, 8));
		SHOW(write(fd, &count, 8));
		SHOW(lseek(fd, 0, SEEK_SET) >= -1);
		SHOW(ioctl(fd, TCGETS, &spec));
		SHOW_OK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
		SHOW(ftruncate(fd, 0));
		close(fd);
	}
}

/* -- Waiting ---------------------------------------------------------------------------------- */

CASE(polling)
{
	BOTH_KINDS
	{
		int fd = new_timer(0), p[2], s = socket(AF_INET, SOCK_DGRAM, 0);
		struct pollfd f[] = {{fd, POLLIN | POLLOUT, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
		fd_set set_of_fds;
		long start;

		NEED(pipe(p) == 0 && s >= 0);
		SHOW(poll(f, 1, 0));
		/* Alone, beside a pipe, and beside a file of the host. */
		for (int with = 0; with < 3; with++) {
			f[1].fd = with > 0 ? p[0] : -1;
			f[2].fd = with > 1 ? s : -1;
			start = now_ns();
			set(fd, 10 * MS, 0);
			SHOW(poll(f, 3, -1));
			SHOW(f[0].revents | f[1].revents << 16);
			CHECK(now_ns() - start >= 10 * MS);
			SHOW(poll(f, 3, 0));
			SHOW(take(fd));
			SHOW(poll(f, 3, 1));
		}
		FD_ZERO(&set_of_fds);
		FD_SET(fd, &set_of_fds);
		set(fd, 10 * MS, 0);
		SHOW(select(fd + 1, &set_of_fds, NULL, NULL, NULL));
		SHOW(FD_ISSET(fd, &set_of_fds));
		close(fd);
		close(s);
		close(p[0]);
		close(p[1]);
	}
}

/* Shows what an epoll has, for at most so many milliseconds. */
static void show_ready(int epoll, int timeout)
{
	struct epoll_event e[8];
	int n = epoll_wait(epoll, e, 8, timeout);

	printf("  %d:", n);
	for (int i = 0; i < n; i++)
		printf(" %x/%d", e[i].events, (int)e[i].data.u64);
	puts("");
}

static void add(int epoll, int fd, uint32_t events, int data)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)data};

	NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0);
}

CASE(epolls)
{
	BOTH_KINDS
	{
		/* with: the epoll has a file of the host, too, from before or added later. */
		for (int with = 0; with < 3; with++) {
			int epoll = epoll_create1(0), s = socket(AF_INET, SOCK_DGRAM, 0);
			int level = new_timer(TFD_NONBLOCK), edge = new_timer(TFD_NONBLOCK);

			NEED(epoll >= 0 && s >= 0);
			if (with == 1)
				add(epoll, s, EPOLLIN, 9);
			add(epoll, level, EPOLLIN, 1);
			add(epoll, edge, EPOLLIN | EPOLLET, 2);
			if (with == 2)
				add(epoll, s, EPOLLIN, 9);
			show_ready(epoll, 0);
			set(level, 5 * MS, 0);
			show_ready(epoll, -1);
			show_ready(epoll, 0);
			SHOW(take(level));
			show_ready(epoll, 0);
			/* An edge is told once for each expiration that follows a read. */
			set(edge, 5 * MS, 1 * MS);
			show_ready(epoll, -1);
			settle(5000);
			show_ready(epoll, 0);
			CHECK(take(edge) > 0);
			show_ready(epoll, -1);
			set(edge, 0, 0);
			/* A timer that is set later than another one, and is due before it. */
			set(level, LATER * 1000 * MS, 0);
			set(edge, 5 * MS, 0);
			show_ready(epoll, -1);
			SHOW(take(edge));
			set(edge, 5 * MS, 0);
			SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, edge, NULL));
			show_ready(epoll, 20);
			add(epoll, edge, EPOLLIN | EPOLLONESHOT, 3);
			show_ready(epoll, -1);
			SHOW(take(edge));
			set(edge, 1, 0);
			show_ready(epoll, 5);
			/* Closed while it is due soon. */
			set(level, 5 * MS, 0);
			close(level);
			show_ready(epoll, 20);
			close(edge);
			close(epoll);
			close(s);
		}
	}
}

/* Many timers end in their order. */
CASE(many)
{
	enum { MANY = 40 };
	int fd[MANY], epoll = epoll_create1(0), wrong = 0, order = 0;
	const long start = now_ns();

	hosts = false;
	for (int i = 0; i < MANY; i++) {
		struct itimerspec spec = in_ns(start + (10 + i * 7 % MANY) * MS, 0);

		fd[i] = new_timer(0);
		add(epoll, fd[i], EPOLLIN | EPOLLET, i * 7 % MANY);
		NEED(timerfd_settime(fd[i], TFD_TIMER_ABSTIME, &spec, NULL) == 0);
	}
	while (order < MANY) {
		struct epoll_event e[MANY];
		int n = epoll_wait(epoll, e, MANY, -1);

		for (int i = 0; i < n; i++, order++) {
			wrong += e[i].data.u64 != (uint64_t)order;
			wrong += now_ns() < start + (10 + order) * MS;
		}
	}
	SHOW(wrong);
	for (int i = 0; i < MANY; i++) {
		SHOW(take(fd[i]));
		close(fd[i]);
	}
	close(epoll);
}

static int shared;
static atomic_int woken;

static void *wait_for_it(void *arg)
{
	struct pollfd p = {shared, POLLIN, 0};

	if (arg)
		poll(&p, 1, -1);
	else
		read(shared, &count, sizeof(count));
	woken++;
	return NULL;
}

/* Set by another thread while threads wait, also to a later and to an earlier moment. */
CASE(set_while_waited_for)
{
	BOTH_KINDS
	{
		pthread_t t[3];
		long start;

		shared = new_timer(0);
		woken = 0;
		set(shared, LATER * 1000 * MS, 0);
		for (size_t i = 0; i < 3; i++)
			NEED(pthread_create(&t[i], NULL, wait_for_it, i ? &shared : NULL) == 0);
		settle(20000);
		SHOW(woken);
		set(shared, 2 * LATER * 1000 * MS, 0);
		start = now_ns();
		set(shared, 10 * MS, 1 * MS);
		for (size_t i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		CHECK(now_ns() - start >= 10 * MS);
		SHOW(woken);
		close(shared);
	}
}

/* A thread that computes does not delay those that wait. */
static atomic_bool stop;

static void *compute(void *arg)
{
	while (!stop)
		;
	return arg;
}

CASE(beside_busy_threads)
{
	pthread_t t[3];
	int fd;

	hosts = false;
	fd = new_timer(0);
	stop = false;
	for (int i = 0; i < 3; i++)
		NEED(pthread_create(&t[i], NULL, compute, NULL) == 0);
	for (int i = 0; i < 5; i++) {
		set(fd, 3 * MS, 0);
		SHOW(take(fd));
	}
	/* While this thread itself computes, and asks only afterwards. */
	set(fd, 3 * MS, 3 * MS);
	for (long start = now_ns(); now_ns() - start < 20 * MS;)
		;
	CHECK(take(fd) >= 5);
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	close(fd);
}

static volatile int signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void wait_until_it_sleeps(pid_t pid)
{
	char name[32], line[512], state = 0;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	while (state != 'S') {
		FILE *f = fopen(name, "r");

		NEED(f && fgets(line, sizeof(line), f));
		fclose(f);
		state = strrchr(line, ')')[2];
		usleep(1000);
	}
}

/* Sends the signal when the other process sleeps, then lets the timer expire. */
static void signal_soon(pid_t to, int fd)
{
	wait_until_it_sleeps(to);
	kill(to, SIGUSR1);
	settle(50000);
	set(fd, 1, 0);
	_exit(0);
}

CASE(signals_in_between)
{
	BOTH_KINDS
	{
		struct pollfd p = {-1, POLLIN, 0};

		for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
			struct sigaction act = {.sa_handler = on_signal, .sa_flags = flags};
			pid_t self = getpid(), pid;
			int fd = new_timer(0);

			NEED(sigaction(SIGUSR1, &act, NULL) == 0);
			signals = 0;
			set(fd, LATER * 1000 * MS, 0);
			pid = start_child();
			if (pid == 0)
				signal_soon(self, fd);
			SHOW(take(fd));
			SHOW(signals);
			waitpid(pid, NULL, 0);
			pid = start_child();
			if (pid == 0)
				signal_soon(self, fd);
			p.fd = fd;
			SHOW(poll(&p, 1, -1));
			waitpid(pid, NULL, 0);
			close(fd);
		}
	}
	signal(SIGUSR1, SIG_DFL);
}

/* -- Descriptors ------------------------------------------------------------------------------ */

CASE(over_fork)
{
	BOTH_KINDS
	{
		int fd = new_timer(0), status, two;

		set(fd, 20 * MS, 0);
		two = dup(fd);
		pid_t pid = start_child();
		if (pid == 0) {
			bool right = take(two) == 1;

			/* Its owner's end does not end it. */
			set(two, LATER * 1000 * MS, 11);
			_exit(right ? 7 : 8);
		}
		NEED(waitpid(pid, &status, 0) == pid);
		SHOW(WEXITSTATUS(status));
		struct itimerspec left;
		SHOW(timerfd_gettime(fd, &left));
		SHOW(left.it_interval.tv_nsec);
		SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
		SHOW(fcntl(two, F_GETFL));
		SHOW(take(two));
		close(fd);
		set(two, 1, 0);
		settle(5000);
		SHOW(take(two));
		close(two);
	}
}

/* Prints a line of fdinfo, with # for each number of a time that goes on. */
static void show_info(int fd)
{
	char line[256], name[64], text[64] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	NEED(readlink(name, text, sizeof(text) - 1) > 0);
	puts(text);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "r");
	NEED(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "it_value: (99, ", 15))
			puts("it_value: (99, #)");
		else if (strncmp(line, "mnt_id", 6) && strncmp(line, "ino", 3))
			fputs(line, stdout);
	}
	fclose(f);
}

CASE(what_it_shows)
{
	BOTH_KINDS
	{
		int fd = new_timer(TFD_NONBLOCK), on = 0;
		struct itimerspec spec = in_ns(1, 0);
		struct stat st;

		show_info(fd);
		set(fd, LATER * 1000 * MS, 1000000007);
		show_info(fd);
		NEED(timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0);
		settle(5000);
		show_info(fd);
		set(fd, 1, 1);
		settle(5000);
		show_info(fd);
		SHOW(fcntl(fd, F_GETFL));
		SHOW(ioctl(fd, FIONBIO, &on));
		SHOW(fcntl(fd, F_GETFL));
		SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND));
		SHOW(fcntl(fd, F_GETFL));
		SHOW(fstat(fd, &st));
		SHOW(st.st_mode);
		close(fd);
	}
}

/* A timer keeps its state when it moves. */
CASE(moving)
{
	for (int state = 0; state < 5; state++) {
		int fd;
		long start;
		struct itimerspec left;

		hosts = false;
		fd = new_timer(TFD_NONBLOCK);
		if (state == 1)
			set(fd, LATER * 1000 * MS, 17);
		if (state == 2)
			set(fd, 1, 0);
		if (state == 3)
			set(fd, 5 * MS, 5 * MS);
		if (state == 4) {
			set(fd, 1, 0);
			settle(2000);
			NEED(take(fd) == 1);
		}
		start = now_ns();
		while (now_ns() - start < 30 * MS)
			;
		if (state == 3)
			NEED(timerfd_gettime(fd, &left) == 0);
		move(fd);
		SHOW(timerfd_gettime(fd, &left));
		SHOW(left.it_interval.tv_nsec);
		CHECK(state != 1 || is_left(&left, LATER * 1000 * MS));
		CHECK(state != 3 || is_left(&left, 5 * MS));
		if (state == 3)
			CHECK(take(fd) >= 5);
		else
			SHOW(take(fd));
		close(fd);
	}
	/* While threads wait. */
	pthread_t t[2];

	hosts = false;
	woken = 0;
	shared = new_timer(0);
	set(shared, LATER * 1000 * MS, 0);
	for (size_t i = 0; i < 2; i++)
		NEED(pthread_create(&t[i], NULL, wait_for_it, i ? &shared : NULL) == 0);
	settle(20000);
	move(shared);
	settle(20000);
	SHOW(woken);
	set(shared, 1, 1 * MS);
	for (size_t i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	SHOW(woken);
	close(shared);
}

/* Sent in a message, and used by sender and receiver. */
CASE(sent)
{
	int pair[2], fd, got = -1;
	char c = 'x', space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&c, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = space,
			     .msg_controllen = sizeof(space)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	hosts = false;
	fd = new_timer(TFD_NONBLOCK);
	for (int moved = 0; moved < 2; moved++) {
		NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		if (moved)
			move(pair[0]);
		set(fd, 1, 0);
		*cmsg = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
		msg.msg_controllen = sizeof(space);
		NEED(sendmsg(pair[0], &msg, 0) == 1 && recvmsg(pair[1], &msg, 0) == 1);
		memcpy(&got, CMSG_DATA(cmsg), sizeof(got));
		settle(5000);
		SHOW(take(got));
		SHOW(take(fd));
		set(got, 1, 0);
		settle(5000);
		SHOW(take(fd));
		close(got);
		close(pair[0]);
		close(pair[1]);
	}
	close(fd);
}
