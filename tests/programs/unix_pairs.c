// SPDX-License-Identifier: MIT
/*
 * Pairs of unix sockets, of both kinds: those that the guest kernel keeps, and those that have
 * become the host's. Most cases run for each of them. A pair moves to the host when the host has to
 * know it, and any flock(2) is a reason; natively that is nothing special.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#ifndef SO_PEERPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#define SCM_PIDFD    4
#endif

static int s[2];
static bool hosts; /* the pair is to be the host's from the start */
static char big[1 << 20], other[1 << 20];

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
static const char *const type_names[] = {"stream", "seqpacket", "dgram"};

static void move(int fd)
{
	NEED(flock(fd, LOCK_UN) == 0);
}

static void open_pair(int type)
{
	NEED(socketpair(AF_UNIX, type, 0, s) == 0);
	if (hosts)
		move(s[0]);
}

static void close_pair(void)
{
	close(s[0]);
	close(s[1]);
}

#define BOTH_KINDS for (int kind_ = 0; kind_ < 2 && (hosts = kind_, true); kind_++)
/* Runs a case's body for both kinds and all types; i is the number of the type. */
#define ALL_PAIRS                                                                                  \
	BOTH_KINDS                                                                                 \
	for (int i = 0; i < 3 && (printf("-- %s\n", type_names[i]), open_pair(types[i]), true);    \
	     i++, close_pair())

static const char *ready(int fd)
{
	static char text[16];
	struct pollfd f = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
	char *at = text;

	NEED(poll(&f, 1, 0) >= 0);
	if (f.revents & POLLIN)
		*at++ = 'i';
	if (f.revents & POLLOUT)
		*at++ = 'o';
	if (f.revents & POLLRDHUP)
		*at++ = 'r';
	if (f.revents & POLLHUP)
		*at++ = 'h';
	if (f.revents & POLLERR)
		*at++ = 'e';
	if (f.revents & POLLPRI)
		*at++ = 'p';
	*at = 0;
	return text;
}

static void show_ready(const char *when)
{
	printf("  %s: %s", when, ready(s[0]));
	printf(" / %s\n", ready(s[1]));
}

static int unread(int fd)
{
	int n = -1;

	NEED(ioctl(fd, FIONREAD, &n) == 0);
	return n;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	NEED(getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 && len == sizeof(value));
	return value;
}

static void set_option(int fd, int name, int value)
{
	NEED(setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)) == 0);
}

static void set_limit(int fd, int name, unsigned us)
{
	struct timeval t = {us / 1000000, us % 1000000};

	NEED(setsockopt(fd, SOL_SOCKET, name, &t, sizeof(t)) == 0);
}

static long fill(size_t chunk)
{
	long sum = 0, n;

	while ((n = send(s[0], big, chunk, MSG_DONTWAIT)) > 0)
		sum += n;
	return sum;
}

static void wait_for(pid_t pid)
{
	int status = 0;

	NEED(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		printf("killed by %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		printf("exit status %d\n", WEXITSTATUS(status));
}

CASE(capacity)
{
	static const size_t sizes[] = {2000, 10000, 30000, 100000};

	ALL_PAIRS
	{
		for (unsigned k = 0; k < 4; k++) {
			long sum = fill(sizes[k]);

			SHOW(sum);
			SHOW(errno);
			show_ready("full");
			for (long left = sum; left > 0;) {
				long n = recv(s[1], other, sizeof(other), 0);

				NEED(n > 0);
				left -= n;
			}
			show_ready("empty");
		}
		SHOW(send(s[0], big, sizeof(big), MSG_DONTWAIT));
		while (recv(s[1], other, sizeof(other), MSG_DONTWAIT) > 0)
			;
		set_option(s[0], SO_SNDBUF, 10000);
		SHOW(option(s[0], SO_SNDBUF));
		SHOW(fill(3000));
		CHECK(ioctl(s[0], SIOCOUTQ, &(int){0}) == 0);
	}
}

CASE(writable_again)
{
	ALL_PAIRS
	{
		long sum = fill(5000), got = 0;

		show_ready("full");
		while (!strchr(ready(s[0]), 'o')) {
			long n = read(s[1], other, 5000);

			NEED(n > 0);
			got += n;
		}
		CHECK(got > sum / 2 && got <= sum);
	}
}

static void show_both(void)
{
	show_ready("ready");
	for (int k = 0; k < 2; k++) {
		SHOW(recv(s[k], other, 100, MSG_DONTWAIT));
		SHOW(send(s[k], "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL));
	}
	SHOW(option(s[0], SO_ERROR));
}

CASE(halves)
{
	for (int how = 0; how < 3; how++) {
		ALL_PAIRS
		{
			SHOW(send(s[0], "to 1", 4, 0));
			SHOW(send(s[1], "to 0", 4, 0));
			SHOW(shutdown(s[0], how));
			show_both();
			show_both();
			SHOW(shutdown(s[1], SHUT_RDWR));
			show_both();
			SHOW(shutdown(s[0], 3));
		}
	}
}

CASE(peer_closes)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	for (int dirty = 0; dirty < 2; dirty++) {
		ALL_PAIRS
		{
			SHOW(send(s[1], "left", 4, 0));
			if (dirty)
				SHOW(send(s[0], "lost", 4, 0));
			close(s[1]);
			printf("  ready: %s\n", ready(s[0]));
			SHOW(recv(s[0], other, 2, MSG_DONTWAIT));
			SHOW(recv(s[0], other, 100, MSG_DONTWAIT));
			SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
			SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
			SHOW(getpeername(s[0], (void *)&a, &len));
			SHOW(recv(s[0], other, 100, MSG_DONTWAIT));
			SHOW(option(s[0], SO_ERROR));
			printf("  ready: %s\n", ready(s[0]));
			s[1] = -1;
		}
	}
}

CASE(a_broken_pipe)
{
	ALL_PAIRS
	{
		pid_t child;

		close(s[1]);
		s[1] = -1;
		child = start_child();
		if (!child) {
			SHOW(write(s[0], "x", 1));
			SHOW(send(s[0], "x", 1, 0));
			fflush(stdout);
			_exit(0);
		}
		wait_for(child);
	}
}

CASE(peeks)
{
	ALL_PAIRS
	{
		NEED(send(s[0], "hello", 5, 0) == 5);
		NEED(send(s[0], "world", 5, 0) == 5);
		SHOW(recv(s[1], other, 3, MSG_PEEK));
		SHOW(recv(s[1], other, 100, MSG_PEEK));
		SHOW(recv(s[1], other, 100, MSG_PEEK | MSG_WAITALL));
		SHOW(recv(s[1], other, 2, MSG_PEEK | MSG_TRUNC));
		SHOW(unread(s[1]));
		SHOW(recv(s[1], other, 2, 0));
		SHOW(unread(s[1]));
		SHOW(recv(s[1], other, 2, MSG_PEEK));
		printf("  \"%.2s\"\n", other);
		SHOW(recv(s[1], other, 0, MSG_PEEK));
		SHOW(read(s[1], other, 0));
		SHOW(recv(s[1], other, 100, MSG_DONTWAIT));
		SHOW(recv(s[1], other, 100, MSG_DONTWAIT));
		SHOW(recv(s[1], other, 0, MSG_DONTWAIT));
	}
}

CASE(empty_messages)
{
	ALL_PAIRS
	{
		SHOW(send(s[0], "", 0, 0));
		SHOW(write(s[0], "", 0));
		show_ready("after empty ones");
		SHOW(unread(s[1]));
		SHOW(read(s[1], other, 0));
		SHOW(recv(s[1], other, 0, MSG_DONTWAIT));
		SHOW(recv(s[1], other, 9, MSG_DONTWAIT));
		SHOW(recv(s[1], other, 9, MSG_DONTWAIT));
	}
}

CASE(limits_of_time)
{
	ALL_PAIRS
	{
		struct timeval t;
		socklen_t len = sizeof(t);

		set_limit(s[1], SO_RCVTIMEO, 40000);
		SHOW(getsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &t, &len));
		CHECK(t.tv_sec == 0 && t.tv_usec == 40000);
		SHOW(recv(s[1], other, 10, 0));
		NEED(send(s[0], "some", 4, 0) == 4);
		SHOW(recv(s[1], other, 10, MSG_WAITALL));
		set_limit(s[0], SO_SNDTIMEO, 40000);
		NEED(fill(20000) > 0);
		SHOW(send(s[0], big, 20000, 0));
		t = (struct timeval){0, 1000000};
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, 4));
	}
}

static void on_signal(int sig)
{
	(void)sig;
}

static void *interrupt(void *arg)
{
	settle(50000);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	settle(50000);
	NEED(write(s[0], "late", 4) == 4);
	return NULL;
}

CASE(interrupted)
{
	for (int flags = 0; flags < 3; flags++) {
		struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags ? SA_RESTART : 0};

		NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
		ALL_PAIRS
		{
			pthread_t self = pthread_self(), t;

			if (flags == 2)
				set_limit(s[1], SO_RCVTIMEO, 100000000);
			NEED(pthread_create(&t, NULL, interrupt, &self) == 0);
			SHOW(recv(s[1], other, 10, 0));
			pthread_join(t, NULL);
		}
	}
}

static void *write_slowly(void *arg)
{
	(void)arg;
	for (int k = 0; k < 4; k++) {
		settle(10000);
		if (k == 2)
			move(s[0]);
		NEED(write(s[0], "part", 4) == 4);
	}
	return NULL;
}

CASE(a_receiver_waits_for_all)
{
	BOTH_KINDS
	{
		pthread_t t;

		open_pair(SOCK_STREAM);
		NEED(pthread_create(&t, NULL, write_slowly, NULL) == 0);
		/* What moves meanwhile may cut a receive short, as a signal may. */
		for (int left = 16; left > 0;) {
			long n = recv(s[1], other, (size_t)left, MSG_WAITALL);

			NEED(n > 0);
			left -= (int)n;
		}
		pthread_join(t, NULL);
		SHOW(recv(s[1], other, 1, MSG_DONTWAIT));
		close_pair();
	}
}

static long pattern(long at)
{
	return (at * 2654435761L) >> 13;
}

static void *write_all(void *arg)
{
	long total = *(long *)arg;

	for (long at = 0; at < total;) {
		char part[3000];
		long n = at % 2999 + 1;

		for (long k = 0; k < n; k++)
			part[k] = (char)pattern(at + k);
		NEED(write(s[0], part, (size_t)n) == n);
		at += n;
	}
	shutdown(s[0], SHUT_WR);
	return NULL;
}

/* No byte is lost or changes its place while the pair moves between a blocked writer and reader. */
CASE(moves_under_way)
{
	for (int after = 0; after < 60; after += 12) {
		long total = 400000, at = 0, n, wrong = 0, reads = 0;
		pthread_t t;

		hosts = false;
		open_pair(SOCK_STREAM);
		NEED(pthread_create(&t, NULL, write_all, &total) == 0);
		while ((n = read(s[1], other, (size_t)(at % 4567 + 1))) > 0) {
			for (long k = 0; k < n; k++)
				wrong += other[k] != (char)pattern(at + k);
			at += n;
			if (++reads == after)
				move(s[reads % 2]);
		}
		pthread_join(t, NULL);
		CHECK(at >= total && !wrong);
		close_pair();
	}
}

static ssize_t send_with(int to, const void *control, size_t len, const char *text)
{
	struct iovec part = {(void *)text, strlen(text)};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = (void *)control,
			   .msg_controllen = len};

	return sendmsg(to, &m, 0);
}

static ssize_t send_fd(int to, int fd, const char *text)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct cmsghdr *c = (void *)room;

	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return send_with(to, room, sizeof(room), text);
}

static ssize_t send_cred(int to, pid_t pid, uid_t uid, gid_t gid)
{
	struct ucred u = {pid, uid, gid};
	char room[CMSG_SPACE(sizeof(u))] __attribute__((aligned(8))) = {0};
	struct cmsghdr *c = (void *)room;

	*c = (struct cmsghdr){CMSG_LEN(sizeof(u)), SOL_SOCKET, SCM_CREDENTIALS};
	memcpy(CMSG_DATA(c), &u, sizeof(u));
	return send_with(to, room, sizeof(room), "c");
}

/* Receives into a control buffer of this size, and says what came. Returns the last descriptor. */
static int receive(size_t len, size_t room_for_control, int flags, pid_t sender)
{
	static char room[1024] __attribute__((aligned(8)));
	struct iovec part = {other, len};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = room_for_control};
	int fd = -1;
	long n = SHOW(recvmsg(s[1], &m, flags | MSG_DONTWAIT));

	if (n < 0)
		return -1;
	printf("  \"%.*s\" flags %#x control %zu\n", (int)n, other, m.msg_flags, m.msg_controllen);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct ucred u;

		printf("  level %d type %d length %zu\n", c->cmsg_level, c->cmsg_type, c->cmsg_len);
		if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof(u))) {
			memcpy(&u, CMSG_DATA(c), sizeof(u));
			printf("  sender %s uid %u gid %u\n",
			       u.pid == sender ? "known" : (u.pid ? "another" : "none"), u.uid,
			       u.gid);
		} else if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(sizeof(int))) {
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			printf("  cloexec %d\n", fcntl(fd, F_GETFD));
		}
	}
	return fd;
}

CASE(senders)
{
	ALL_PAIRS
	{
		pid_t child;

		NEED(send(s[0], "before", 6, 0) == 6);
		set_option(s[1], SO_PASSCRED, 1);
		receive(100, 100, 0, getpid());
		NEED(send(s[0], "mine", 4, 0) == 4);
		/* Of a pair on the host the kernel knows only the last sender. */
		if (!hosts) {
			child = start_child();
			if (!child)
				_exit(write(s[0], "child's", 7) != 7);
			wait_for(child);
			receive(100, 100, MSG_PEEK, getpid());
			receive(100, 100, 0, getpid());
			if (types[i] == SOCK_STREAM)
				receive(100, 100, 0, child);
			else
				receive(100, 100, MSG_PEEK, child);
		} else {
			receive(100, 100, 0, getpid());
			child = start_child();
			if (!child)
				_exit(write(s[0], "child's", 7) != 7);
			wait_for(child);
			receive(100, 100, 0, child);
		}
	}
}

CASE(claims)
{
	ALL_PAIRS
	{
		set_option(s[1], SO_PASSCRED, 1);
		SHOW(send_cred(s[0], getpid(), getuid(), getgid()));
		receive(100, 100, 0, getpid());
		if (getuid()) {
			SHOW(send_cred(s[0], getppid(), getuid(), getgid()));
			SHOW(send_cred(s[0], getpid(), 0, getgid()));
			SHOW(send_cred(s[0], getpid(), getuid(), 0));
		} else {
			SHOW(send_cred(s[0], 4000000, 0, 0));
		}
		SHOW(send_with(s[0], "12345678901234567890", 20, "bad length"));
		SHOW(recv(s[1], other, 100, MSG_DONTWAIT));
	}
}

CASE(peers)
{
	ALL_PAIRS
	{
		struct ucred u = {0};
		socklen_t len = sizeof(u);
		gid_t groups[100];
		pid_t child = start_child();

		/* The sender is who made the pair, not who has it. */
		if (!child) {
			NEED(getsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &u, &len) == 0);
			CHECK(u.pid == getppid() && u.uid == geteuid() && u.gid == getegid());
			fflush(stdout);
			_exit(0);
		}
		wait_for(child);
		NEED(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len) == 0);
		CHECK(u.pid == getpid() && len == sizeof(u));
		len = 4;
		SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &len));
		SHOW(len);
		len = sizeof(groups);
		SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, groups, &len));
		CHECK(len == (socklen_t)getgroups(0, NULL) * sizeof(gid_t));
		SHOW(option(s[0], SO_TYPE));
		SHOW(option(s[0], SO_DOMAIN));
		SHOW(option(s[0], SO_PROTOCOL));
		SHOW(option(s[0], SO_ACCEPTCONN));
		SHOW(option(s[0], SO_PASSCRED));
		SHOW(option(s[0], SO_SNDBUF));
		SHOW(option(s[0], SO_RCVBUF));
		SHOW(option(s[0], SO_RCVLOWAT));
		SHOW(option(s[0], SO_KEEPALIVE));
		len = 4;
		SHOW(setsockopt(s[0], 6, 1, &(int){1}, 4));
		SHOW(getsockopt(s[0], 6, 1, groups, &len));
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, groups, 3));
		SHOW(setsockopt(s[0], SOL_SOCKET, SO_TYPE, groups, 4));
	}
}

CASE(a_pidfd_of_the_peer)
{
	if (!check_kernel(6, 5))
		return;
	BOTH_KINDS
	{
		int fd = -1;
		socklen_t len = sizeof(fd);

		open_pair(SOCK_STREAM);
		SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &len));
		SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
		SHOW(fcntl(fd, F_GETFD));
		close(fd);
		close_pair();
	}
}

CASE(control_data_is_cut)
{
	ALL_PAIRS
	{
		set_option(s[1], SO_PASSCRED, 1);
		for (size_t room = 0; room <= 64; room += 8) {
			int fd;

			NEED(send_fd(s[0], 1, "text") == 4);
			fd = receive(100, room, room % 16 ? MSG_CMSG_CLOEXEC : 0, getpid());
			if (fd >= 0)
				close(fd);
		}
	}
}

CASE(bytes_around_files)
{
	int fd;

	ALL_PAIRS
	{
		NEED(send(s[0], "one ", 4, 0) == 4);
		NEED(send_fd(s[0], 1, "two ") == 4);
		NEED(send(s[0], "three ", 6, 0) == 6);
		NEED(send_fd(s[0], 1, "four ") == 5);
		fd = receive(6, 100, MSG_PEEK, 0);
		close(fd);
		fd = receive(6, 100, 0, 0);
		close(fd);
		for (int k = 0; k < 4; k++) {
			fd = receive(100, 100, 0, 0);
			close(fd);
		}
		SHOW(send_fd(s[0], 99, "no file"));
		SHOW(recv(s[1], other, 9, MSG_DONTWAIT));
	}
}

/* Whatever is in flight goes to the host with the pair. */
CASE(moves_with_messages)
{
	for (int i = 0; i < 3; i++) {
		int p[2], q[2], fd;
		char c = 0;

		hosts = false;
		printf("-- %s\n", type_names[i]);
		open_pair(types[i]);
		NEED(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, q) == 0);
		NEED(send(s[0], "first", 5, 0) == 5);
		NEED(send_fd(s[0], p[1], "pipe") == 4);
		NEED(send_fd(s[0], q[1], "socket") == 6);
		NEED(send(s[1], "back", 4, 0) == 4);
		NEED(write(p[1], "a", 1) == 1 && write(q[1], "b", 1) == 1);
		close(p[1]);
		close(q[1]);
		NEED(recv(s[1], other, 2, 0) == 2);
		NEED(shutdown(s[0], SHUT_WR) == 0);
		move(s[1]);
		show_ready("moved");
		if (types[i] == SOCK_STREAM)
			receive(3, 100, 0, 0);
		fd = receive(100, 100, 0, 0);
		SHOW(write(fd, "c", 1));
		close(fd);
		fd = receive(100, 100, 0, 0);
		SHOW(write(fd, "d", 1));
		close(fd);
		SHOW(recv(s[1], other, 9, MSG_DONTWAIT));
		SHOW(recv(s[0], other, 9, MSG_DONTWAIT));
		SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
		while (read(p[0], &c, 1) == 1)
			printf("  pipe: %c\n", c);
		while (read(q[0], &c, 1) == 1)
			printf("  socket: %c\n", c);
		close(p[0]);
		close(q[0]);
		close_pair();
	}
}

/* Sockets that only their own messages can reach are closed, and what they have with them. */
CASE(cycles)
{
	int p[2], a[2], b[2];
	struct pollfd end;
	char c;

	NEED(pipe(p) == 0);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0 &&
	     socketpair(AF_UNIX, SOCK_DGRAM, 0, b) == 0);
	/* a[1] has b[1] in its queue, and b[1] has a[1]. */
	NEED(send_fd(a[0], b[1], "b") == 1);
	NEED(send_fd(b[0], a[1], "a") == 1);
	NEED(send_fd(a[0], p[1], "p") == 1);
	/* A third one that can be received is not closed. */
	hosts = false;
	open_pair(SOCK_STREAM);
	NEED(send_fd(s[0], s[1], "itself") == 6);
	close(p[1]);
	for (int k = 0; k < 2; k++) {
		close(a[k]);
		close(b[k]);
	}
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, a) == 0);
	close(a[0]);
	close(a[1]);
	end = (struct pollfd){p[0], POLLIN, 0};
	SHOW(poll(&end, 1, 60000));
	SHOW(read(p[0], &c, 1));
	close(p[0]);
	SHOW(receive(100, 100, 0, 0) >= 0);
	close_pair();
}

CASE(edges)
{
	ALL_PAIRS
	{
		struct epoll_event ev = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.fd = 1}};
		int ep = epoll_create1(0);

		NEED(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev) == 0);
#define EVENTS() (ev.events = 0, epoll_wait(ep, &ev, 1, 0) ? (int)ev.events : 0)
		SHOW(EVENTS());
		SHOW(EVENTS());
		NEED(send(s[0], "one", 3, 0) == 3);
		SHOW(EVENTS());
		SHOW(EVENTS());
		NEED(send(s[0], "two", 3, 0) == 3);
		SHOW(EVENTS());
		NEED(read(s[1], other, 2) == 2);
		SHOW(EVENTS());
		NEED(read(s[1], other, 100) > 0);
		SHOW(EVENTS());
		NEED(shutdown(s[0], SHUT_WR) == 0);
		SHOW(EVENTS());
		SHOW(EVENTS());
		close(s[0]);
		s[0] = -1;
		SHOW(EVENTS());
		close(ep);
	}
}

/* A wait for both kinds of files at once, and one for a pair that moves meanwhile. */
static void *wake_by_send(void *arg)
{
	(void)arg;
	settle(30000);
	move(s[1]);
	settle(30000);
	NEED(send(s[0], "wake", 4, 0) == 4);
	return NULL;
}

CASE(waits_while_it_moves)
{
	ALL_PAIRS
	{
		int ep = epoll_create1(0);
		struct epoll_event ev = {EPOLLIN, {.fd = 7}};
		struct pollfd f = {s[1], POLLIN, 0};
		pthread_t t;

		NEED(epoll_ctl(ep, EPOLL_CTL_ADD, s[1], &ev) == 0);
		NEED(pthread_create(&t, NULL, wake_by_send, NULL) == 0);
		SHOW(poll(&f, 1, 60000));
		SHOW(epoll_wait(ep, &ev, 1, 60000));
		SHOW(recv(s[1], other, 9, 0));
		pthread_join(t, NULL);
		close(ep);
	}
}

CASE(many_messages)
{
	ALL_PAIRS
	{
		struct iovec part[3] = {{(char *)"ab", 2}, {(char *)"", 0}, {(char *)"cde", 3}};
		struct mmsghdr m[4];
		struct msghdr one = {.msg_iov = part, .msg_iovlen = 3};
		struct iovec in[2] = {{other, 3}, {other + 10, 100}};

		for (int k = 0; k < 4; k++)
			m[k] = (struct mmsghdr){one, 0};
		SHOW(sendmmsg(s[0], m, 4, 0));
		SHOW(m[3].msg_len);
		for (int k = 0; k < 4; k++)
			m[k] = (struct mmsghdr){{.msg_iov = in, .msg_iovlen = 2}, 0};
		SHOW(recvmmsg(s[1], m, 4, MSG_WAITFORONE, NULL));
		SHOW(m[0].msg_len);
		printf("  \"%.3s\" \"%.2s\"\n", other, other + 10);
		NEED(fcntl(s[1], F_SETFL, O_NONBLOCK) == 0);
		SHOW(readv(s[1], in, 2));
		SHOW(writev(s[0], part, 3));
		SHOW(readv(s[1], in, 1));
		SHOW(sendto(s[0], "x", 1, 0, (void *)"\1\0path", 6));
	}
}

/* Only of pairs that the kernel keeps: the host gets what is there of a stream's buffer. */
CASE(partly_unmapped)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	for (int i = 0; i < 3; i++) {
		hosts = false;
		open_pair(types[i]);
		SHOW(send(s[0], page + 4000, 200, 0));
		SHOW(recv(s[1], other, 300, MSG_DONTWAIT));
		NEED(send(s[0], "0123456789", 10, 0) == 10);
		SHOW(recv(s[1], page + 4091, 10, MSG_DONTWAIT));
		SHOW(recv(s[1], other, 10, MSG_DONTWAIT));
		SHOW(recv(s[1], NULL, 10, MSG_DONTWAIT));
		close_pair();
	}
	munmap(page, 4096);
}

CASE(one_file)
{
	ALL_PAIRS
	{
		char link[2][64] = {{0}}, path[64];
		struct stat st[2];

		for (int k = 0; k < 2; k++) {
			NEED(fstat(s[k], &st[k]) == 0);
			snprintf(path, sizeof(path), "/proc/self/fd/%d", s[k]);
			NEED(readlink(path, link[k], sizeof(link[k]) - 1) > 0);
			snprintf(path, sizeof(path), "socket:[%lu]", (unsigned long)st[k].st_ino);
			CHECK(!strcmp(path, link[k]));
		}
		CHECK(st[0].st_ino != st[1].st_ino && st[0].st_dev == st[1].st_dev);
		SHOW(st[0].st_mode);
		SHOW(st[0].st_nlink);
		CHECK(st[0].st_uid == geteuid());
		SHOW(st[0].st_size);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", s[0]);
		SHOW(open(path, O_RDWR));
		SHOW(fcntl(s[0], F_GETFL));
		SHOW(ioctl(s[0], FIONBIO, &(int){1}));
		SHOW(fcntl(s[0], F_GETFL));
		SHOW(read(s[0], other, 1));
		SHOW(lseek(s[0], 0, SEEK_CUR));
		SHOW(pread(s[0], other, 1, 0));
		SHOW(ftruncate(s[0], 0));
		SHOW(fsync(s[0]));
		SHOW(isatty(s[0]));
		CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, s[0], 0) == MAP_FAILED);
	}
}

CASE(splices)
{
	ALL_PAIRS
	{
		int p[2];

		NEED(pipe(p) == 0);
		NEED(send(s[0], "by splice", 9, 0) == 9);
		SHOW(splice(s[1], NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
		SHOW(read(p[0], other, 100));
		SHOW(write(p[1], "back", 4));
		SHOW(splice(p[0], NULL, s[1], NULL, 100, SPLICE_F_NONBLOCK));
		SHOW(recv(s[0], other, 100, MSG_DONTWAIT));
		close(p[0]);
		close(p[1]);
	}
}

static volatile sig_atomic_t ios;

static void on_io(int sig)
{
	(void)sig;
	ios++;
}

CASE(signals_for_input)
{
	struct sigaction sa = {.sa_handler = on_io, .sa_flags = SA_RESTART};

	NEED(sigaction(SIGIO, &sa, NULL) == 0);
	ALL_PAIRS
	{
		ios = 0;
		SHOW(fcntl(s[1], F_SETOWN, getpid()));
		SHOW(fcntl(s[1], F_SETFL, O_ASYNC | O_NONBLOCK));
		SHOW(fcntl(s[1], F_GETFL) & (O_ASYNC | O_NONBLOCK));
		NEED(write(s[0], "x", 1) == 1);
		for (int k = 0; k < 1000 && !ios; k++)
			settle(1000);
		CHECK(ios > 0);
		SHOW(fcntl(s[1], F_SETFL, 0));
	}
	signal(SIGIO, SIG_DFL);
}

/* Two processes by turns, and a third that sends while both sleep. */
CASE(processes_by_turns)
{
	ALL_PAIRS
	{
		pid_t child = start_child();
		long turns = 0;
		char c;

		if (!child) {
			close(s[1]);
			while (recv(s[0], &c, 1, 0) == 1 && c != 'q')
				NEED(send(s[0], &c, 1, 0) == 1);
			_exit(0);
		}
		for (; turns < 200; turns++) {
			c = (char)('a' + turns % 10);
			NEED(send(s[1], &c, 1, 0) == 1);
			NEED(recv(s[1], &c, 1, 0) == 1 && c == 'a' + turns % 10);
			if (turns == 100)
				move(s[1]);
		}
		NEED(send(s[1], "q", 1, 0) == 1);
		wait_for(child);
		SHOW(turns);
	}
}
