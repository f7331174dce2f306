// SPDX-License-Identifier: MIT
/* Sockets of one process: unix and inet, streams and datagrams, addresses, options, control data.
 */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char data[256];

static void print_data(ssize_t n)
{
	if (n >= 0)
		printf("  data \"%.*s\"\n", (int)n, data);
}

static struct sockaddr_un unix_address(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strcpy(a.sun_path, name);
	return a;
}

static void print_unix_name(int fd, bool peer)
{
	struct sockaddr_un a = {0};
	socklen_t len = sizeof(a);
	int r = peer ? getpeername(fd, (void *)&a, &len) : getsockname(fd, (void *)&a, &len);

	printf("  %s name: %d, length %u, family %d, path \"%s%s\"\n", peer ? "peer's" : "own", r,
	       len, a.sun_family, len > 2 && !a.sun_path[0] ? "@" : "",
	       len > 2 ? a.sun_path + !a.sun_path[0] : "");
}

CASE(creation)
{
	int fd;

	SHOW_OK(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(read(fd, data, 1));
	SHOW(listen(fd, 1));
	struct stat st;
	SHOW(fstat(fd, &st));
	SHOW(S_ISSOCK(st.st_mode));
	close(fd);
	SHOW(socket(99, SOCK_STREAM, 0));
	SHOW(socket(AF_INET, 99, 0));
	SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	SHOW(socketpair(AF_INET, SOCK_STREAM, 0, &fd));
	SHOW(bind(0, NULL, 0));
	SHOW(shutdown(99, SHUT_RD));
}

CASE(stream_pair)
{
	int s[2];

	signal(SIGPIPE, SIG_IGN);
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	SHOW(send(s[0], "hello", 5, 0));
	SHOW(recv(s[1], data, 2, MSG_PEEK));
	print_data(recv(s[1], data, sizeof(data), 0));
	SHOW(recv(s[1], data, 1, MSG_DONTWAIT));
	SHOW(write(s[1], "back", 4));
	SHOW(send(s[1], " again", 6, 0));
	print_data(recv(s[0], data, 10, MSG_WAITALL));
	int n;
	SHOW(write(s[1], "four", 4));
	SHOW(ioctl(s[0], FIONREAD, &n));
	SHOW(n);
	SHOW(shutdown(s[1], SHUT_WR));
	SHOW(write(s[1], "x", 1));
	print_data(read(s[0], data, sizeof(data)));
	SHOW(read(s[0], data, sizeof(data)));
	SHOW(write(s[0], "still", 5));
	print_data(read(s[1], data, sizeof(data)));
	close(s[1]);
	SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
	close(s[0]);
}

CASE(packet_pairs)
{
	int s[2];

	SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	SHOW(write(s[0], "first", 5));
	SHOW(write(s[0], "second", 6));
	SHOW(recv(s[1], data, 3, MSG_TRUNC));
	print_data(read(s[1], data, sizeof(data)));
	close(s[0]);
	SHOW(read(s[1], data, sizeof(data)));
	close(s[1]);
	SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	SHOW(write(s[0], "", 0));
	SHOW(read(s[1], data, sizeof(data)));
	SHOW(sendto(s[0], "gram", 4, 0, NULL, 0));
	print_data(recvfrom(s[1], data, sizeof(data), 0, NULL, NULL));
	close(s[0]);
	close(s[1]);
}

CASE(unix_names)
{
	struct sockaddr_un a = unix_address("listener"), abstract = unix_address(".abstract");
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s;
	socklen_t len = sizeof(a);
	struct ucred cred;
	struct stat st;

	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(bind(l, (void *)&a, sizeof(a)));
	SHOW(bind(l, (void *)&a, sizeof(a)));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(listen(l, 5));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	s = SHOW(accept4(l, (void *)&a, &len, SOCK_CLOEXEC));
	SHOW(len);
	SHOW(fcntl(s, F_GETFD));
	SHOW(write(c, "to the server", 13));
	print_data(read(s, data, sizeof(data)));
	print_unix_name(l, false);
	print_unix_name(c, false);
	print_unix_name(c, true);
	print_unix_name(s, false);
	SHOW(stat("listener", &st));
	SHOW(S_ISSOCK(st.st_mode));
	len = sizeof(cred);
	SHOW(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	CHECK(cred.pid == getpid() && cred.uid == getuid() && cred.gid == getgid());
	close(s);
	SHOW(read(c, data, 1));
	close(c);
	SHOW(fcntl(l, F_SETFL, O_NONBLOCK));
	SHOW(accept(l, NULL, NULL));
	close(l);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	a = unix_address("listener");
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(unlink("listener"));
	close(c);
	abstract.sun_path[0] = '\0';
	snprintf(abstract.sun_path + 1, 50, "buffervm-test-%d", getpid());
	len = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract.sun_path + 1);
	l = socket(AF_UNIX, SOCK_DGRAM, 0);
	c = socket(AF_UNIX, SOCK_DGRAM, 0);
	SHOW(bind(l, (void *)&abstract, len));
	SHOW(sendto(c, "abstract", 8, 0, (void *)&abstract, len));
	print_data(recv(l, data, sizeof(data), 0));
	close(l);
	close(c);
	/* In a directory other than the current one. */
	NEED(mkdir("sub", 0700) == 0);
	a = unix_address("sub/socket");
	l = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(bind(l, (void *)&a, sizeof(a)));
	print_unix_name(l, false);
	NEED(chdir("sub") == 0);
	SHOW(listen(l, 1));
	a = unix_address("socket");
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	NEED(chdir("..") == 0);
	close(c);
	close(l);
}

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
}

CASE(tcp)
{
	struct sockaddr_in a = loopback(), from;
	int l, c, s, on = 1, v = 0;
	socklen_t len = sizeof(a);
	static char big[300000];
	size_t done = 0;

	SHOW_OK(l = socket(AF_INET, SOCK_STREAM, 0));
	SHOW(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	SHOW(bind(l, (void *)&a, sizeof(a)));
	SHOW(listen(l, 5));
	SHOW(getsockname(l, (void *)&a, &len));
	CHECK(len == sizeof(a) && a.sin_port != 0 && a.sin_addr.s_addr == htonl(0x7f000001));
	SHOW_OK(c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	SHOW(getpeername(c, (void *)&from, &len));
	int r = connect(c, (void *)&a, sizeof(a));
	CHECK(r == 0 || errno == EINPROGRESS);
	SHOW_OK(s = accept(l, (void *)&from, &len));
	CHECK(len == sizeof(from) && from.sin_addr.s_addr == htonl(0x7f000001));
	struct pollfd fd = {.fd = c, .events = POLLOUT};
	SHOW(poll(&fd, 1, 1000));
	len = sizeof(v);
	SHOW(getsockopt(c, SOL_SOCKET, SO_ERROR, &v, &len));
	SHOW(v);
	SHOW(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	SHOW(getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, &len));
	SHOW(v);
	SHOW(getsockopt(c, SOL_SOCKET, SO_TYPE, &v, &len));
	SHOW(v);
	SHOW(send(s, "over tcp", 8, 0));
	fd = (struct pollfd){.fd = c, .events = POLLIN};
	SHOW(poll(&fd, 1, 1000));
	print_data(recv(c, data, sizeof(data), 0));
	SHOW(recv(c, data, sizeof(data), 0));
	/* More data than the buffers hold, on both sides by turns. */
	NEED(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
	memset(big, 'b', sizeof(big));
	for (size_t sent = 0; done < sizeof(big);) {
		ssize_t n;

		if (sent < sizeof(big) && (n = write(s, big + sent, sizeof(big) - sent)) > 0)
			sent += n;
		poll(&fd, 1, 1000);
		n = read(c, big + done, sizeof(big) - done);
		NEED(n > 0 || errno == EAGAIN);
		done += n > 0 ? n : 0;
	}
	SHOW(done);
	close(s);
	SHOW(poll(&fd, 1, 1000));
	SHOW(read(c, data, 1));
	close(c);
	close(l);
	c = socket(AF_INET, SOCK_STREAM, 0);
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(connect(c, (void *)&a, 3));
	close(c);
}

CASE(udp)
{
	struct sockaddr_in a = loopback(), from = {0};
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(a);
	struct timeval tv = {0, 20000};

	SHOW(bind(s, (void *)&a, sizeof(a)));
	SHOW(getsockname(s, (void *)&a, &len));
	SHOW(sendto(c, "datagram", 8, 0, (void *)&a, sizeof(a)));
	print_data(recvfrom(s, data, sizeof(data), 0, (void *)&from, &len));
	CHECK(from.sin_family == AF_INET && from.sin_port != 0);
	SHOW(sendto(s, "answer", 6, 0, (void *)&from, len));
	SHOW(recv(c, data, 3, MSG_TRUNC));
	SHOW(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	SHOW(recv(s, data, 1, 0));
	SHOW(connect(c, (void *)&a, sizeof(a)));
	SHOW(send(c, "connected", 9, 0));
	print_data(recv(s, data, sizeof(data), 0));
	SHOW(send(s, "x", 1, 0));
	struct mmsghdr m[2] = {0};
	struct iovec v[2] = {{"one", 3}, {"two", 3}};
	for (int i = 0; i < 2; i++) {
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	SHOW(sendmmsg(c, m, 2, 0));
	v[0].iov_base = data;
	v[1].iov_base = data + 10;
	SHOW(recvmmsg(s, m, 2, 0, NULL));
	printf("  \"%.3s\" (%u), \"%.3s\" (%u)\n", data, m[0].msg_len, data + 10, m[1].msg_len);
	close(s);
	close(c);
}

CASE(ipv6)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int s = socket(AF_INET6, SOCK_DGRAM, 0);
	socklen_t len = sizeof(a);

	if (s < 0 || bind(s, (void *)&a, sizeof(a)) != 0) {
		printf("  no IPv6 here\n");
		close(s);
		return;
	}
	SHOW(getsockname(s, (void *)&a, &len));
	SHOW(len);
	SHOW(sendto(s, "six", 3, 0, (void *)&a, len));
	print_data(recv(s, data, sizeof(data), 0));
	close(s);
}

CASE(passed_descriptors)
{
	int s[2], p[2], got[2];
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	} control = {0};
	struct iovec v = {"with descriptors", 16};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = CMSG_SPACE(2 * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	NEED(pipe(p) == 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), p, sizeof(p));
	SHOW(sendmsg(s[0], &m, 0));
	close(p[0]);
	v = (struct iovec){data, sizeof(data)};
	memset(&control, 0, sizeof(control));
	m.msg_controllen = sizeof(control);
	print_data(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC));
	c = CMSG_FIRSTHDR(&m);
	NEED(c);
	printf("  level %d, type %d, length %zu, flags %x\n", c->cmsg_level, c->cmsg_type,
	       (size_t)c->cmsg_len, m.msg_flags);
	memcpy(got, CMSG_DATA(c), sizeof(got));
	SHOW(fcntl(got[0], F_GETFD));
	SHOW(write(p[1], "through", 7));
	print_data(read(got[0], data, sizeof(data)));
	SHOW(write(got[1], "other end", 9));
	print_data(read(got[0], data, sizeof(data)));
	close(got[0]);
	close(got[1]);
	/* No room for the descriptors: they are dropped, and the message has MSG_CTRUNC. */
	v = (struct iovec){"again", 5};
	memset(&control, 0, sizeof(control));
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &p[1], sizeof(int));
	SHOW(sendmsg(s[0], &m, 0));
	v = (struct iovec){data, sizeof(data)};
	m.msg_controllen = 0;
	print_data(recvmsg(s[1], &m, 0));
	printf("  flags %x\n", m.msg_flags);
	/* A descriptor that does not exist. */
	v = (struct iovec){"bad", 3};
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	memcpy(CMSG_DATA(c), &(int){99}, sizeof(int));
	SHOW(sendmsg(s[0], &m, 0));
	/* Credentials. */
	int on = 1;
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	v = (struct iovec){"who", 3};
	m.msg_controllen = 0;
	SHOW(sendmsg(s[0], &m, 0));
	v = (struct iovec){data, sizeof(data)};
	m.msg_controllen = sizeof(control);
	print_data(recvmsg(s[1], &m, 0));
	c = CMSG_FIRSTHDR(&m);
	NEED(c);
	struct ucred cred;
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	CHECK(c->cmsg_type == SCM_CREDENTIALS && cred.pid == getpid() && cred.uid == getuid());
	close(p[1]);
	close(s[0]);
	close(s[1]);
}

CASE(scattered_messages)
{
	int s[2];
	char a[4], b[64];
	struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defghij", 7}}, in[2] = {{a, 4}, {b, 64}};
	struct msghdr m = {.msg_iov = out, .msg_iovlen = 3};

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_iov = in;
	m.msg_iovlen = 2;
	SHOW(recvmsg(s[1], &m, 0));
	printf("  \"%.4s\" \"%.6s\"\n", a, b);
	SHOW(syscall(SYS_sendmsg, s[0], 8, 0)); /* musl reads the struct. */
	m.msg_iovlen = 2000;
	SHOW(sendmsg(s[0], &m, 0));
	m.msg_iovlen = 1;
	in[0].iov_base = (void *)8;
	SHOW(sendmsg(s[0], &m, 0));
	close(s[0]);
	close(s[1]);
}

/*
 * Lets only datagrams that begin with 'y' pass. Written as in linux/filter.h, which musl's compiler
 * does not find.
 */
CASE(filters)
{
	struct {
		uint16_t code;
		uint8_t if_true, if_false;
		uint32_t k;
	} code[] = {
		{0x30, 0, 0, 0},   /* ldb [0] */
		{0x15, 0, 1, 'y'}, /* jeq 'y' */
		{0x06, 0, 0, ~0u}, /* ret all */
		{0x06, 0, 0, 0},   /* ret none */
	};
	struct {
		uint16_t len;
		void *filter;
	} program = {4, code};
	int s[2], one = 1;
	char b[4];

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	SHOW(send(s[0], "no", 2, MSG_DONTWAIT) == 2 || errno == EPERM);
	SHOW(send(s[0], "yes", 3, MSG_DONTWAIT));
	SHOW(recv(s[1], b, sizeof(b), MSG_DONTWAIT));
	CHECK(b[0] == 'y');
	SHOW(recv(s[1], b, sizeof(b), MSG_DONTWAIT));
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)));
	SHOW(setsockopt(s[1], SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)));
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, 8));
	program.len = 0;
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	program.len = 4;
	program.filter = (void *)8;
	SHOW(setsockopt(s[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	close(s[0]);
	close(s[1]);
}
