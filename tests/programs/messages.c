// SPDX-License-Identifier: MIT
/*
 * Messages are sent and received whole or not at all: with a page of the buffer missing, with more
 * segments than any call carries, and with a message too long for the protocol.
 */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096UL

/* Maps a page with nothing behind it. */
static char *at_the_edge(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED && munmap(p + PAGE, PAGE) == 0);
	memset(p, 'x', PAGE);
	return p;
}

static void in_part(int from, int to)
{
	char *edge = at_the_edge(), b[64];
	struct iovec v[2] = {{edge, 16}, {edge + PAGE, 16}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

	SHOW(send(from, edge + PAGE - 16, 32, MSG_DONTWAIT));
	SHOW(write(from, edge + PAGE - 16, 32));
	SHOW(writev(from, v, 2));
	SHOW(sendmsg(from, &m, MSG_DONTWAIT));
	/* None of the calls sent a byte. */
	SHOW(recv(to, b, sizeof(b), MSG_DONTWAIT));
	SHOW(send(from, edge, 16, 0));
	SHOW(recv(to, b, sizeof(b), MSG_DONTWAIT));
}

CASE(with_a_page_missing)
{
	int s[2];

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
	in_part(s[0], s[1]);
	NEED(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s) == 0);
	in_part(s[0], s[1]);
}

CASE(too_long)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(a);
	static char b[70000];

	NEED(bind(s, (void *)&a, len) == 0 && getsockname(s, (void *)&a, &len) == 0);
	SHOW(sendto(s, b, sizeof(b), 0, (void *)&a, len));
	SHOW(recv(s, b, sizeof(b), MSG_DONTWAIT));
}

/* Pages ordered such that no two neighbours in the buffer are neighbours in memory. */
static char *scattered(size_t pages)
{
	char *to = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *from = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	NEED(to != MAP_FAILED && from != MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		memset(from + i * PAGE, (int)(1 + i % 101), PAGE);
	for (size_t i = 0; i < pages; i++)
		NEED(mremap(from + i * 389 % pages * PAGE, PAGE, PAGE,
			    MREMAP_MAYMOVE | MREMAP_FIXED, to + i * PAGE) != MAP_FAILED);
	return to;
}

/* Only root may have such a large buffer; others see ENOBUFS or EMSGSIZE on both sides. */
CASE(of_many_pieces)
{
	const size_t pages = 640, size = pages * PAGE;
	char *out = scattered(pages), *in = scattered(pages);
	int types[2] = {SOCK_DGRAM, SOCK_SEQPACKET}, room = (int)size * 2, s[2];

	for (int i = 0; i < 2; i++) {
		NEED(socketpair(AF_UNIX, types[i], 0, s) == 0);
		setsockopt(s[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
		memset(in, 0, size);
		if (SHOW(send(s[0], out, size, MSG_DONTWAIT)) < 0)
			continue;
		SHOW(recv(s[1], in, size, MSG_DONTWAIT));
		CHECK(!memcmp(in, out, size));
		SHOW(write(s[0], out, size));
		SHOW(read(s[1], in, size));
		close(s[0]);
		close(s[1]);
	}
}

/* A connected stream has no sender address, so the pointer for it is not read. */
CASE(no_sender)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s;
	socklen_t len = sizeof(a);
	char b[8];

	NEED(bind(l, (void *)&a, len) == 0 && listen(l, 1) == 0);
	NEED(getsockname(l, (void *)&a, &len) == 0 && connect(c, (void *)&a, len) == 0);
	s = accept(l, NULL, NULL);
	NEED(s >= 0 && write(s, "abc", 3) == 3);
	SHOW(recvfrom(c, b, sizeof(b), 0, (void *)-1, &len));
	SHOW(len);
}
