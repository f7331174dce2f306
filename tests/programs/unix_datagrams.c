// SPDX-License-Identifier: MIT
/*
 * Datagrams between unix sockets with names. The host has names and queues; which process of the
 * sandbox has sent what, only the guest kernel knows.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct sockaddr_un a;
static socklen_t a_len;
static char text[5000];

#define BOTH_NAMES                                                                                 \
	for (int abstract = 0; abstract < 2 && (choose_name(&a, &a_len, abstract, "receiver"), 1); \
	     abstract++, unlink("receiver"))

static void choose_name(struct sockaddr_un *to, socklen_t *len, int abstract, const char *name)
{
	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (abstract)
		snprintf(to->sun_path + 1, 60, "buffervm-datagrams-%d-%s", getpid(), name);
	else
		strcpy(to->sun_path, name);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract +
			   strlen(to->sun_path + abstract) + !abstract);
}

static int new_socket(int flags)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | flags, 0);

	NEED(fd >= 0);
	return fd;
}

static int bound(int flags)
{
	int fd = new_socket(flags);

	NEED(bind(fd, (void *)&a, a_len) == 0);
	return fd;
}

static void ask_for_senders(int fd)
{
	int on = 1;

	NEED(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
}

static long send_to(int fd, const char *message)
{
	return sendto(fd, message, strlen(message), 0, (void *)&a, a_len);
}

/* Receives a message; returns the process that has sent it, -1 without credentials. */
static pid_t receive(int fd, int flags, socklen_t *name_len)
{
	char room[100] __attribute__((aligned(8)));
	struct iovec part = {text, sizeof(text)};
	struct sockaddr_un from;
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_name = &from,
			   .msg_namelen = sizeof(from),
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};
	struct cmsghdr *c;
	struct ucred u;
	ssize_t n = recvmsg(fd, &m, flags);

	NEED(n >= 0);
	text[n] = '\0';
	if (name_len)
		*name_len = m.msg_namelen;
	c = CMSG_FIRSTHDR(&m);
	if (!c)
		return -1;
	NEED(c->cmsg_type == SCM_CREDENTIALS);
	memcpy(&u, CMSG_DATA(c), sizeof(u));
	CHECK(u.uid == getuid() && u.gid == getgid());
	return u.pid;
}

static void wait_child(pid_t pid)
{
	int status = 0;

	NEED(waitpid(pid, &status, 0) == pid);
	SHOW(status);
}

/* Senders without a name, with one, and connected: each process is told as itself. */
CASE(senders)
{
	BOTH_NAMES
	{
		int r = bound(0), own = new_socket(0);
		socklen_t len;

		ask_for_senders(r);
		NEED(send_to(own, "from this process") == 17);
		CHECK(receive(r, MSG_PEEK, &len) == getpid());
		SHOW(len);
		CHECK(receive(r, 0, &len) == getpid());
		SHOW(len);
		puts(text);
		for (int how = 0; how < 3; how++) {
			pid_t pid = start_child();

			if (pid == 0) {
				int s = new_socket(0);
				struct sockaddr_un mine;
				socklen_t mine_len;

				choose_name(&mine, &mine_len, abstract, "sender");
				if (how == 1)
					NEED(bind(s, (void *)&mine, mine_len) == 0);
				if (how == 2)
					NEED(connect(s, (void *)&a, a_len) == 0);
				for (int i = 0; i < 3; i++)
					NEED((how == 2 ? write(s, "child", 5)
						       : send_to(s, "child")) == 5);
				len = sizeof(mine);
				NEED(getsockname(s, (void *)&mine, &len) == 0);
				NEED(len == (how == 1 ? mine_len : sizeof(sa_family_t)));
				unlink("sender");
				/* The receiver asks while the sender is there. */
				NEED(recv(s, text, 1, MSG_DONTWAIT) == -1);
				settle(100000);
				_exit(0);
			}
			for (int i = 0; i < 3; i++) {
				CHECK(receive(r, 0, &len) == pid);
				SHOW(len > sizeof(sa_family_t));
			}
			wait_child(pid);
		}
		close(own);
		close(r);
	}
}

/* Who the sender says that it is. */
CASE(claims)
{
	char room[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8))) = {0};
	struct iovec part = {"claim", 5};
	struct ucred u = {getpid(), getuid(), getgid()};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_name = &a,
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};
	struct cmsghdr *c = (struct cmsghdr *)room;
	int r, s = new_socket(0);

	choose_name(&a, &a_len, 0, "receiver");
	m.msg_namelen = a_len;
	r = bound(0);
	ask_for_senders(r);
	*c = (struct cmsghdr){CMSG_LEN(sizeof(u)), SOL_SOCKET, SCM_CREDENTIALS};
	memcpy(CMSG_DATA(c), &u, sizeof(u));
	for (int i = 0; i < 3; i++)
		SHOW(sendmsg(s, &m, 0));
	for (int i = 0; i < 3; i++)
		CHECK(receive(r, 0, NULL) == getpid());
	close(s);
	close(r);
	unlink("receiver");
}

/* A socket that two processes have: what one of them sent is not told as the other's. */
CASE(one_socket_of_two_processes)
{
	int r, s = new_socket(0), ready[2];

	choose_name(&a, &a_len, 1, "receiver");
	r = bound(0);
	ask_for_senders(r);
	NEED(pipe(ready) == 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = start_child();

		if (pid == 0) {
			NEED(send_to(s, "child's") == 7);
			NEED(write(ready[1], "x", 1) == 1);
			pause();
		}
		NEED(read(ready[0], text, 1) == 1);
		CHECK(receive(r, 0, NULL) == pid);
		NEED(send_to(s, "parent's") == 8);
		CHECK(receive(r, 0, NULL) == getpid());
		kill(pid, SIGKILL);
		NEED(waitpid(pid, NULL, 0) == pid);
	}
	close(r);
	close(s);
	close(ready[0]);
	close(ready[1]);
}

/* What Linux does with names, queues and ends: the same with sockets of which the kernel knows. */
CASE(rules)
{
	BOTH_NAMES
	{
		struct sockaddr_un other;
		struct timeval soon = {0, 20000};
		struct pollfd p;
		struct stat st;
		socklen_t len = sizeof(other);
		int r, s = new_socket(SOCK_NONBLOCK), t, n = 0;
		int value = 0;

		SHOW(send_to(s, "nobody"));
		SHOW(connect(s, (void *)&a, a_len));
		r = bound(0);
		SHOW(bind(r, (void *)&a, a_len));
		t = new_socket(0);
		SHOW(bind(t, (void *)&a, a_len));
		close(t);
		t = socket(AF_UNIX, SOCK_STREAM, 0);
		SHOW(connect(t, (void *)&a, a_len));
		close(t);
		SHOW(listen(r, 1));
		SHOW(accept(r, NULL, NULL));
		SHOW(write(s, "x", 1));
		SHOW(getpeername(s, (void *)&other, &len));
		SHOW(send_to(s, ""));
		SHOW(recv(r, text, 5, 0));
		SHOW(send_to(s, "too long"));
		SHOW(recv(r, text, 3, MSG_TRUNC));
		SHOW(recv(r, text, 3, MSG_DONTWAIT));
		/* Until the queue is full. */
		while (n < 100000 && send_to(s, "one of many") > 0)
			n++;
		CHECK(n > 0 && n < 100000);
		SHOW(send_to(s, "one more"));
		SHOW(fcntl(s, F_SETFL, 0));
		NEED(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon)) == 0);
		SHOW(send_to(s, "one more"));
		for (int i = 0; i < n; i++)
			NEED(recv(r, text, 20, 0) == 11);
		p = (struct pollfd){r, POLLIN | POLLOUT, 0};
		SHOW(poll(&p, 1, 0));
		SHOW(p.revents);
		NEED(send_to(s, "polled") == 6);
		SHOW(poll(&p, 1, -1));
		SHOW(p.revents);
		SHOW(ioctl(r, FIONREAD, &value));
		SHOW(value);
		SHOW(read(r, text, 100));
		len = sizeof(value);
		SHOW(getsockopt(r, SOL_SOCKET, SO_TYPE, &value, &len));
		SHOW(value);
		NEED(fstat(r, &st) == 0);
		SHOW(st.st_mode);
		SHOW(fcntl(r, F_GETFL));
		SHOW(shutdown(r, SHUT_RD));
		SHOW(read(r, text, 100));
		SHOW(connect(s, (void *)&a, a_len));
		SHOW(getpeername(s, (void *)&other, &len));
		close(r);
		SHOW(write(s, "closed", 6));
		SHOW(write(s, "closed", 6));
		close(s);
	}
}

/* A child inherits the sockets, and an epoll waits for one. */
CASE(inherited)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET};
	int r, s = new_socket(0), epoll = epoll_create1(0), pair[2];

	choose_name(&a, &a_len, 0, "receiver");
	r = bound(SOCK_CLOEXEC | SOCK_NONBLOCK);
	ask_for_senders(r);
	NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, r, &e) == 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = start_child();

		if (pid == 0) {
			NEED(send_to(s, "wake up") == 7);
			pause();
		}
		SHOW(epoll_wait(epoll, &e, 1, -1));
		CHECK(receive(r, 0, NULL) == pid);
		SHOW(epoll_wait(epoll, &e, 1, 0));
		kill(pid, SIGKILL);
		NEED(waitpid(pid, NULL, 0) == pid);
	}
	/* A connected pair of datagram sockets beside it keeps no name. */
	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	ask_for_senders(pair[1]);
	NEED(write(pair[0], "pair", 4) == 4);
	CHECK(receive(pair[1], 0, NULL) == getpid());
	close(pair[0]);
	close(pair[1]);
	close(epoll);
	close(r);
	close(s);
	unlink("receiver");
}

/* Each end of a pair can have a name, and send to others than the other end. */
CASE(ends_of_a_pair)
{
	int r, pair[2];

	choose_name(&a, &a_len, 1, "receiver");
	r = bound(0);
	ask_for_senders(r);
	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_un mine, from;
		socklen_t len, mine_len;
		pid_t pid;

		choose_name(&mine, &mine_len, 1, i ? "second" : "first");
		SHOW(bind(pair[i], (void *)&mine, mine_len));
		pid = start_child();
		if (pid == 0) {
			NEED(send_to(pair[i], "from an end") == 11);
			NEED(write(pair[i], "to the other end", 16) == 16);
			_exit(0);
		}
		wait_child(pid);
		CHECK(receive(r, 0, &len) == pid);
		SHOW(len == mine_len);
		len = sizeof(from);
		SHOW(recvfrom(pair[!i], text, 100, 0, (void *)&from, &len));
		SHOW(len == mine_len);
	}
	close(pair[0]);
	close(pair[1]);
	close(r);
}
