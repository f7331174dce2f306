// SPDX-License-Identifier: MIT
/*
 * Unix sockets that connect by name. The host has the names, and the guest kernel the connections
 * between its processes: so who connects from where has to be right, and what comes first.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
static struct sockaddr_un a;
static socklen_t a_len;
static char text[200];

/* Runs a case's body for both types and both kinds of names; i is the number of the type. */
#define ALL_NAMES                                                                                  \
	for (int abstract = 0; abstract < 2; abstract++)                                           \
		for (int i = 0; i < 2 && (choose_name(abstract, i), true); i++, unlink("listene"   \
										       "r"))

static void choose_name(int abstract, int i)
{
	a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (abstract)
		snprintf(a.sun_path + 1, 60, "buffervm-names-%d-%d", getpid(), i);
	else
		strcpy(a.sun_path, "listener");
	a_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract +
			    strlen(a.sun_path + abstract) + !abstract);
	printf("-- %s, %s\n", i ? "seqpacket" : "stream", abstract ? "abstract" : "file");
}

static int new_socket(int type)
{
	int fd = socket(AF_UNIX, type, 0);

	NEED(fd >= 0);
	return fd;
}

static int listening(int type, int backlog)
{
	int fd = new_socket(type);

	NEED(bind(fd, (void *)&a, a_len) == 0 && listen(fd, backlog) == 0);
	return fd;
}

static int connected(int type)
{
	int fd = new_socket(type);

	NEED(connect(fd, (void *)&a, a_len) == 0);
	return fd;
}

static int accepted(int l)
{
	int fd = accept(l, NULL, NULL);

	NEED(fd >= 0);
	return fd;
}

static void wait_for(pid_t pid)
{
	int status = 0;

	NEED(waitpid(pid, &status, 0) == pid);
	if (status)
		printf("status %#x\n", status);
}

static struct ucred peer(int fd)
{
	struct ucred u = {0};
	socklen_t len = sizeof(u);

	NEED(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) == 0);
	return u;
}

static const char *ready(int fd)
{
	static char letters[16];
	struct pollfd f = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	NEED(poll(&f, 1, 0) >= 0);
	snprintf(letters, sizeof(letters), "%s%s%s%s%s", f.revents & POLLIN ? "i" : "",
		 f.revents & POLLOUT ? "o" : "", f.revents & POLLRDHUP ? "r" : "",
		 f.revents & POLLHUP ? "h" : "", f.revents & POLLERR ? "e" : "");
	return letters;
}

static void show_name(const char *what, int r, const struct sockaddr_un *name, socklen_t len)
{
	bool same = len == a_len && !memcmp(name, &a, len);

	printf("  %s: %d, %s, length %u\n", what, r, same ? "the listener's" : "another",
	       same ? 0 : len);
}

static void show_names(int fd)
{
	struct sockaddr_un name = {0};
	socklen_t len = sizeof(name);
	int r = getsockname(fd, (void *)&name, &len);

	show_name("own", r, &name, len);
	len = sizeof(name);
	r = getpeername(fd, (void *)&name, &len);
	show_name("peer", r, &name, len);
}

CASE(names)
{
	ALL_NAMES
	{
		int l = listening(types[i], 5), c = connected(types[i]), s;
		struct sockaddr_un name;
		socklen_t len = sizeof(name);

		s = accept(l, (void *)&name, &len);
		NEED(s >= 0);
		show_name("accepted", 0, &name, len);
		show_names(c);
		show_names(s);
		NEED(send(s, "to c", 4, 0) == 4 && send(c, "to s", 4, 0) == 4);
		len = sizeof(name);
		SHOW(recvfrom(c, text, 100, 0, (void *)&name, &len));
		show_name("from", 0, &name, len);
		len = sizeof(name);
		SHOW(recvfrom(s, text, 100, 0, (void *)&name, &len));
		SHOW(len);
		/* The same after the host has to know the connection. */
		NEED(flock(c, LOCK_UN) == 0);
		show_names(c);
		show_names(s);
		SHOW(send(c, "moved", 5, 0));
		SHOW(recv(s, text, 100, 0));
		SHOW(connect(c, (void *)&a, a_len));
		close(c);
		SHOW(recv(s, text, 100, 0));
		close(s);
		close(l);
	}
}

/* Each side sees the process on the other, whoever made the descriptors that it has. */
CASE(peers)
{
	ALL_NAMES
	{
		int l = listening(types[i], 5), s;
		pid_t child;

		if (!abstract)
			NEED(chmod("listener", 0777) == 0);
		child = start_child();
		if (!child) {
			int c;

			close(l);
			if (getuid() == 0)
				NEED(setresgid(-1, 1234, 1234) == 0 &&
				     setresuid(-1, 1235, 1235) == 0);
			c = connected(types[i]);
			CHECK(peer(c).pid == getppid() && peer(c).uid == getuid());
			NEED(send(c, "x", 1, 0) == 1);
			fflush(stdout);
			NEED(recv(c, text, 1, 0) == 1);
			_exit(0);
		}
		s = accepted(l);
		NEED(recv(s, text, 1, 0) == 1);
		CHECK(peer(s).pid == child);
		CHECK(peer(s).uid == (getuid() ? getuid() : 1235));
		CHECK(peer(s).gid == (getuid() ? getgid() : 1234));
		NEED(send(s, "x", 1, 0) == 1);
		wait_for(child);
		CHECK(peer(s).pid == child);
		CHECK(peer(l).pid == getpid());
		close(s);
		close(l);
	}
}

CASE(senders)
{
	ALL_NAMES
	{
		int l = listening(types[i], 5), c, s, on = 1;
		char room[100] __attribute__((aligned(8)));
		struct iovec part = {text, 100};
		struct msghdr m = {.msg_iov = &part,
				   .msg_iovlen = 1,
				   .msg_control = room,
				   .msg_controllen = sizeof(room)};
		struct ucred u = {0};

		NEED(setsockopt(l, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
		c = connected(types[i]);
		NEED(send(c, "early", 5, 0) == 5);
		s = accepted(l);
		SHOW(recvmsg(s, &m, 0));
		SHOW(m.msg_controllen);
		memcpy(&u, CMSG_DATA((struct cmsghdr *)room), sizeof(u));
		CHECK(u.pid == getpid() && u.uid == getuid() && u.gid == getgid());
		close(s);
		close(c);
		close(l);
	}
}

/* Connections are accepted in the order of the connects, and each is the one that it says. */
CASE(many_clients)
{
	ALL_NAMES
	{
		int l = listening(types[i], 100), wrong = 0;
		pid_t child[4];

		for (int k = 0; k < 4; k++) {
			child[k] = start_child();
			if (!child[k]) {
				for (int n = 0; n < 15; n++) {
					pid_t me = getpid();
					int c = connected(types[i]);

					NEED(send(c, &me, sizeof(me), 0) == sizeof(me));
					if (n % 3)
						NEED(recv(c, text, 1, 0) == 1);
					close(c);
				}
				_exit(0);
			}
		}
		for (int n = 0; n < 60; n++) {
			int s = accepted(l);
			pid_t who = 0;

			NEED(recv(s, &who, sizeof(who), 0) == sizeof(who));
			wrong += peer(s).pid != who;
			send(s, "x", 1, MSG_NOSIGNAL);
			close(s);
		}
		for (int k = 0; k < 4; k++)
			wait_for(child[k]);
		SHOW(wrong);
		close(l);
	}
}

CASE(before_accept)
{
	ALL_NAMES
	{
		int l = listening(types[i], 1), c[3], s;

		for (int k = 0; k < 3; k++) {
			c[k] = new_socket(types[i]);
			NEED(fcntl(c[k], F_SETFL, O_NONBLOCK) == 0);
		}
		SHOW(connect(c[0], (void *)&a, a_len));
		SHOW(connect(c[1], (void *)&a, a_len));
		SHOW(connect(c[2], (void *)&a, a_len));
		printf("  ready: %s", ready(c[0]));
		printf(" / %s", ready(c[2]));
		printf(" / %s\n", ready(l));
		SHOW(send(c[0], "first", 5, 0));
		SHOW(send(c[2], "none", 4, MSG_NOSIGNAL));
		SHOW(recv(c[2], text, 4, 0));
		SHOW(recv(c[1], text, 4, 0));
		SHOW(send(c[1], "second", 6, 0));
		/* One client goes to the host, one ends. */
		NEED(flock(c[1], LOCK_UN) == 0);
		close(c[0]);
		s = accepted(l);
		SHOW(recv(s, text, 100, 0));
		SHOW(recv(s, text, 100, 0));
		close(s);
		SHOW(connect(c[2], (void *)&a, a_len));
		s = accepted(l);
		SHOW(recv(s, text, 100, 0));
		SHOW(send(s, "answer", 6, 0));
		SHOW(recv(c[1], text, 100, 0));
		close(s);
		/* The third one is never accepted. */
		SHOW(send(c[2], "lost", 4, 0));
		close(l);
		printf("  ready: %s\n", ready(c[2]));
		SHOW(recv(c[2], text, 100, 0));
		SHOW(recv(c[2], text, 100, 0));
		SHOW(send(c[2], "x", 1, MSG_NOSIGNAL));
		close(c[1]);
		close(c[2]);
	}
}

CASE(without_a_connection)
{
	for (int i = 0; i < 2; i++) {
		int c = new_socket(types[i]), value = 0;
		struct sockaddr_un name;
		socklen_t len = sizeof(name);

		choose_name(0, i);
		printf("  ready: %s\n", ready(c));
		SHOW(send(c, "x", 1, MSG_NOSIGNAL));
		SHOW(sendto(c, "x", 1, MSG_NOSIGNAL, (void *)&a, a_len));
		SHOW(write(c, "x", 1));
		SHOW(recv(c, text, 1, MSG_DONTWAIT));
		SHOW(read(c, text, 1));
		SHOW(getsockname(c, (void *)&name, &len));
		SHOW(len);
		SHOW(getpeername(c, (void *)&name, &len));
		SHOW(peer(c).pid);
		SHOW((int)peer(c).uid);
		len = sizeof(value);
		SHOW(getsockopt(c, SOL_SOCKET, SO_ACCEPTCONN, &value, &len));
		SHOW(value);
		SHOW(getsockopt(c, SOL_SOCKET, SO_TYPE, &value, &len));
		SHOW(value == types[i]);
		SHOW(connect(c, (void *)&a, a_len));
		SHOW(connect(c, (void *)&a, 2));
		SHOW(accept(c, NULL, NULL));
		SHOW(listen(c, 1));
		SHOW(shutdown(c, SHUT_RD));
		SHOW(fcntl(c, F_GETFL));
		close(c);
	}
}

/* A name is what the file is, wherever it goes. */
CASE(files)
{
	int l, c, s, other;
	struct stat st;

	choose_name(0, 0);
	l = listening(SOCK_STREAM, 5);
	SHOW(bind(l, (void *)&a, a_len));
	c = new_socket(SOCK_STREAM);
	SHOW(bind(c, (void *)&a, a_len));
	close(c);
	NEED(rename("listener", "moved") == 0 && symlink("moved", "listener") == 0);
	c = connected(SOCK_STREAM);
	s = accepted(l);
	NEED(send(c, "link", 4, 0) == 4);
	SHOW(recv(s, text, 9, 0));
	show_names(c);
	close(c);
	close(s);
	NEED(unlink("listener") == 0);
	other = listening(SOCK_STREAM, 5);
	c = connected(SOCK_STREAM);
	NEED(send(c, "new", 3, 0) == 3);
	SHOW(fcntl(l, F_SETFL, O_NONBLOCK));
	SHOW(accept(l, NULL, NULL));
	s = accepted(other);
	SHOW(recv(s, text, 9, 0));
	close(c);
	close(s);
	/* Of another type. */
	c = new_socket(SOCK_SEQPACKET);
	SHOW(connect(c, (void *)&a, a_len));
	close(c);
	NEED(stat("listener", &st) == 0);
	SHOW(S_ISSOCK(st.st_mode));
	close(other);
	c = new_socket(SOCK_STREAM);
	SHOW(connect(c, (void *)&a, a_len));
	NEED(unlink("listener") == 0 && unlink("moved") == 0);
	SHOW(connect(c, (void *)&a, a_len));
	close(c);
	close(l);
}

static void *connect_late(void *arg)
{
	settle(30000);
	*(int *)arg = connected(SOCK_STREAM);
	return NULL;
}

CASE(waits_for_a_client)
{
	struct epoll_event ev = {EPOLLIN, {.fd = 5}};
	int l, c = -1, s, ep = epoll_create1(0);
	pthread_t t;

	choose_name(0, 0);
	l = listening(SOCK_STREAM, 5);
	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev) == 0);
	SHOW(epoll_wait(ep, &ev, 1, 0));
	for (int k = 0; k < 2; k++) {
		NEED(pthread_create(&t, NULL, connect_late, &c) == 0);
		if (k)
			SHOW(epoll_wait(ep, &ev, 1, 60000));
		s = accepted(l);
		pthread_join(t, NULL);
		NEED(send(c, "x", 1, 0) == 1);
		SHOW(recv(s, text, 9, 0));
		close(s);
		close(c);
	}
	close(ep);
	close(l);
	unlink("listener");
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A connect waits as long as the listener has no space for it. */
CASE(waits_for_the_listener)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct itimerval soon = {{0}, {0, 50000}};
	struct timeval limit = {0, 50000};
	int l, c[3];

	choose_name(0, 0);
	l = listening(SOCK_STREAM, 0);
	NEED(sigaction(SIGALRM, &sa, NULL) == 0);
	for (int k = 0; k < 3; k++)
		c[k] = new_socket(SOCK_STREAM);
	SHOW(connect(c[0], (void *)&a, a_len));
	NEED(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	SHOW(connect(c[1], (void *)&a, a_len));
	NEED(setsockopt(c[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
	SHOW(connect(c[1], (void *)&a, a_len));
	printf("  ready: %s\n", ready(c[1]));
	close(accepted(l));
	SHOW(connect(c[1], (void *)&a, a_len));
	SHOW(send(c[1], "x", 1, 0));
	for (int k = 0; k < 3; k++)
		close(c[k]);
	close(accepted(l));
	/* accept(2) with a limit of time is not restarted. */
	sa.sa_flags = SA_RESTART;
	limit.tv_sec = 100;
	NEED(sigaction(SIGALRM, &sa, NULL) == 0);
	NEED(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	NEED(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	SHOW(accept(l, NULL, NULL));
	close(l);
	unlink("listener");
}
