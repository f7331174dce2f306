// SPDX-License-Identifier: MIT
/*
 * See proxy.h. One thread and one poll(2). Each connection has a buffer for each direction, which
 * is filled only when it is empty, so a side that does not read stops the other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "vm/jail/helper.h"
#include "vm/jail/lookup.h"
#include "vm/jail/proxy.h"
#include "vm/jail/proxy_request.h"
#include "vm/jail/seccomp.h"
#include "vm/vm.h"

#define CONNECTIONS_MAX 128
#define BUFFER		32768
#define CONNECT_MS	10000 /* that one address of a host has to answer */

_Static_assert(PROXY_OUT_MAX + PROXY_HEAD_MAX <= BUFFER, "a request and what follows it fit");

/* Data on its way: [from, to) of data. */
struct flow {
	u32 from, to;
	bool ended; /* there comes no more */
	bool shut;  /* the receiver knows */
	u8 data[BUFFER];
};

enum state {
	READING,    /* the request */
	LOOKING_UP, /* its name */
	CONNECTING,
	RELAYING,
	LAST_WORDS, /* a refusal is on its way to the client */
};

enum protocol { UNKNOWN, HTTP_FORWARD, HTTP_CONNECT, SOCKS };

/* Why a client is not served. */
enum refusal { NOT_ALLOWED, NO_ADDRESS, NO_CONNECTION, NOT_UNDERSTOOD };

struct connection {
	bool used;
	enum state state;
	enum protocol protocol;
	bool greeted; /* SOCKS */
	int client, server;
	struct flow up, down; /* to the server; to the client */
	struct proxy_target target;
	s64 rule; /* that allows the target's name */
	u8 addr[NET_ANSWERS][16];
	u32 addrs, next;
	u64 deadline; /* CONNECTING: milliseconds of CLOCK_MONOTONIC */
};

static struct {
	const struct net_rules *rules;
	int channel, lookups;
	struct connection connection[CONNECTIONS_MAX];
} proxy = {.lookups = -1};

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

static void end(struct connection *c)
{
	close(c->client);
	if (c->server >= 0)
		close(c->server);
	c->used = false;
}

/* ---- answers to clients --------------------------------------------------------------------- */

static void say(struct connection *c, const void *text, size_t len)
{
	if (len <= BUFFER - c->down.to) {
		memcpy(c->down.data + c->down.to, text, len);
		c->down.to += (u32)len;
	}
}

static void say_socks(struct connection *c, u8 code)
{
	const u8 reply[10] = {5, code, 0, 1};

	say(c, reply, sizeof(reply));
}

static void refuse(struct connection *c, enum refusal why)
{
	static const struct {
		const char *http;
		u8 socks;
	} answers[] = {
		[NOT_ALLOWED] = {"403 Forbidden", 2},
		[NO_ADDRESS] = {"502 Bad Gateway", 4},
		[NO_CONNECTION] = {"502 Bad Gateway", 5},
		[NOT_UNDERSTOOD] = {"400 Bad Request", 7},
	};
	char text[128];
	int len = snprintf(text, sizeof(text),
			   "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			   answers[why].http);

	if (c->protocol == SOCKS)
		say_socks(c, answers[why].socks);
	else
		say(c, text, (size_t)len);
	c->down.ended = true;
	c->state = LAST_WORDS;
}

static bool is_ipv4(const u8 addr[16])
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

/* Tells the monitor, for the lines at the end. What does not fit is lost. */
static void report_denied(const struct proxy_target *t)
{
	char text[PROXY_DENIED_MAX + INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN];
	int len;

	if (!t->is_address) {
		len = snprintf(text, sizeof(text), "%s:%u", t->host, t->port);
	} else if (is_ipv4(t->addr)) {
		inet_ntop(AF_INET, t->addr + 12, host, sizeof(host));
		len = snprintf(text, sizeof(text), "%s:%u", host, t->port);
	} else {
		inet_ntop(AF_INET6, t->addr, host, sizeof(host));
		len = snprintf(text, sizeof(text), "[%s]:%u", host, t->port);
	}
	send(proxy.channel, text, MIN((size_t)len, (size_t)PROXY_DENIED_MAX),
	     MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- the way to the server ------------------------------------------------------------------ */

/* Tries the next address, until one is under way or there is no more. */
static void try_next(struct connection *c)
{
	while (c->next < c->addrs) {
		const u8 *addr = c->addr[c->next++];
		bool v4 = is_ipv4(addr);
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(c->target.port)};
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
					   .sin6_port = htons(c->target.port)};

		memcpy(&in.sin_addr, addr + 12, 4);
		memcpy(&in6.sin6_addr, addr, 16);
		if (c->server >= 0)
			close(c->server);
		c->server = socket(v4 ? AF_INET : AF_INET6,
				   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (c->server >= 0 && (connect(c->server, v4 ? (void *)&in : (void *)&in6,
					       v4 ? sizeof(in) : sizeof(in6)) == 0 ||
				       errno == EINPROGRESS)) {
			c->state = CONNECTING;
			c->deadline = now_ms() + CONNECT_MS;
			return;
		}
	}
	refuse(c, NO_CONNECTION);
}

/* Goes on with the addresses of the target that the rules allow. */
static void use_addresses(struct connection *c, const u8 addr[][16], u32 count)
{
	const struct net_rule *named = c->rule < 0 ? NULL : &proxy.rules->rule[c->rule];

	c->addrs = c->next = 0;
	for (u32 i = 0; i < count; i++)
		if (net_allows(proxy.rules, named, addr[i], c->target.port))
			memcpy(c->addr[c->addrs++], addr[i], sizeof(c->addr[0]));
	if (c->addrs > 0) {
		try_next(c);
		return;
	}
	if (count > 0)
		report_denied(&c->target);
	refuse(c, count > 0 ? NOT_ALLOWED : NO_ADDRESS);
}

/* Looks for a rule that allows the name and the port. */
static s64 find_rule(const struct proxy_target *t)
{
	for (u32 i = 0; i < proxy.rules->count; i++) {
		const struct net_rule *rule = &proxy.rules->rule[i];

		if (rule->names && !strcasecmp(rule->host, t->host) &&
		    net_rule_has_port(rule, t->port))
			return i;
	}
	return -1;
}

static void go(struct connection *c)
{
	c->rule = -1;
	if (c->target.is_address) {
		use_addresses(c, (const u8(*)[16])c->target.addr, 1);
		return;
	}
	c->rule = find_rule(&c->target);
	if (c->rule < 0) {
		report_denied(&c->target);
		refuse(c, NOT_ALLOWED);
	} else if (lookup_ask(proxy.lookups, (u32)c->rule)) {
		c->state = LOOKING_UP;
	} else {
		refuse(c, NO_ADDRESS);
	}
}

/* Takes an answer for all who wait for it. */
static bool take_lookup(void)
{
	struct lookup_answer answer;

	if (!lookup_read(proxy.lookups, proxy.rules, &answer))
		return false;
	for (u32 i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &proxy.connection[i];

		if (c->used && c->state == LOOKING_UP && c->rule == answer.rule)
			use_addresses(c, answer.addr, answer.count);
	}
	return true;
}

static void finish_connect(struct connection *c)
{
	static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->server, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		try_next(c);
		return;
	}
	if (c->protocol == HTTP_CONNECT)
		say(c, established, sizeof(established) - 1);
	else if (c->protocol == SOCKS)
		say_socks(c, 0);
	c->state = RELAYING;
}

/* ---- the client's request ------------------------------------------------------------------- */

static void drop(struct flow *f, u32 bytes)
{
	f->to -= bytes;
	memmove(f->data, f->data + bytes, f->to);
}

static void read_http(struct connection *c)
{
	u8 out[PROXY_OUT_MAX];
	u32 out_len;
	s32 n = proxy_read_http(c->up.data, c->up.to, &c->target, out, &out_len);

	if (n == PROXY_MORE)
		return;
	if (n == PROXY_BAD) {
		refuse(c, NOT_UNDERSTOOD);
		return;
	}
	c->protocol = out_len ? HTTP_FORWARD : HTTP_CONNECT;
	drop(&c->up, (u32)n);
	memmove(c->up.data + out_len, c->up.data, c->up.to);
	memcpy(c->up.data, out, out_len);
	c->up.to += out_len;
	go(c);
}

static void read_socks(struct connection *c)
{
	u8 code, reply[2] = {5, 0};
	s32 n;

	if (!c->greeted) {
		n = proxy_read_socks_offer(c->up.data, c->up.to, &code);
		if (n <= 0) {
			if (n == PROXY_BAD)
				end(c);
			return;
		}
		drop(&c->up, (u32)n);
		c->greeted = true;
		reply[1] = code;
		say(c, reply, sizeof(reply));
		if (code) {
			c->down.ended = true;
			c->state = LAST_WORDS;
			return;
		}
	}
	n = proxy_read_socks(c->up.data, c->up.to, &c->target, &code);
	if (n == PROXY_MORE)
		return;
	if (n == PROXY_BAD || code) {
		say_socks(c, n == PROXY_BAD ? 1 : code);
		c->down.ended = true;
		c->state = LAST_WORDS;
		return;
	}
	drop(&c->up, (u32)n);
	go(c);
}

static void read_request(struct connection *c)
{
	ssize_t n = recv(c->client, c->up.data + c->up.to, PROXY_HEAD_MAX - c->up.to, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(c);
		return;
	}
	c->up.to += (u32)n;
	if (c->protocol == UNKNOWN && c->up.data[0] == 5)
		c->protocol = SOCKS;
	if (c->protocol == SOCKS)
		read_socks(c);
	else
		read_http(c);
}

/* ---- data ----------------------------------------------------------------------------------- */

/* Sends what is there. Returns false if the connection is broken. */
static bool flush(struct flow *f, int to)
{
	ssize_t n;

	if (f->from < f->to) {
		n = send(to, f->data + f->from, f->to - f->from, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		f->from += (u32)n;
	}
	if (f->from == f->to)
		f->from = f->to = 0;
	if (f->to == 0 && f->ended && !f->shut) {
		shutdown(to, SHUT_WR);
		f->shut = true;
	}
	return true;
}

/* Moves what can be moved. Returns false if the connection is broken. */
static bool move(struct flow *f, int from, int to)
{
	ssize_t n;

	if (f->from == f->to && !f->ended) {
		n = recv(from, f->data, BUFFER, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		f->from = 0;
		f->to = (u32)n;
		f->ended = n == 0;
	}
	return flush(f, to);
}

/* Returns what to wait for at the end that a flow comes from, and at the one that it goes to. */
static short reads(const struct flow *f)
{
	return f->from == f->to && !f->ended ? POLLIN : 0;
}

static short writes(const struct flow *f)
{
	return f->from < f->to ? POLLOUT : 0;
}

static void advance(struct connection *c, short client, short server)
{
	switch (c->state) {
	case READING:
		/* What is to be sent is the answer to SOCKS5's offer. */
		if (client & POLLOUT && !flush(&c->down, c->client))
			end(c);
		else if (client & ~POLLOUT)
			read_request(c);
		break;
	case CONNECTING:
		if (server)
			finish_connect(c);
		else if (now_ms() >= c->deadline)
			try_next(c);
		break;
	case RELAYING:
		if ((client || server) &&
		    (!move(&c->up, c->client, c->server) || !move(&c->down, c->server, c->client)))
			end(c);
		else if (c->up.shut && (c->down.shut || client & POLLHUP))
			end(c);
		break;
	case LAST_WORDS:
		if (client && (!flush(&c->down, c->client) || c->down.shut))
			end(c);
		break;
	case LOOKING_UP:
		break;
	}
}

/* ---- the process ---------------------------------------------------------------------------- */

/* Takes a client's end. Returns false if the monitor has ended. */
static bool take_client(void)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(proxy.channel, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fd;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	if (msg.msg_controllen < CMSG_LEN(sizeof(int)) || control.head.cmsg_type != SCM_RIGHTS)
		return true;
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	for (u32 i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &proxy.connection[i];

		if (c->used)
			continue;
		c->up.from = c->up.to = c->down.from = c->down.to = 0;
		c->up.ended = c->up.shut = c->down.ended = c->down.shut = false;
		c->used = true;
		c->state = READING;
		c->protocol = UNKNOWN;
		c->greeted = false;
		c->client = fd;
		c->server = -1;
		return true;
	}
	close(fd); /* too many */
	return true;
}

/* What a connection waits for at its client and at its server. */
static void events_of(const struct connection *c, short *client, short *server)
{
	*client = *server = 0;
	switch (c->state) {
	case READING:
		*client = (short)(POLLIN | writes(&c->down));
		break;
	case CONNECTING:
		*server = POLLOUT;
		break;
	case RELAYING:
		*client = (short)(reads(&c->up) | writes(&c->down));
		*server = (short)(reads(&c->down) | writes(&c->up));
		break;
	case LAST_WORDS:
		*client = POLLOUT;
		break;
	case LOOKING_UP:
		break;
	}
}

static int serve(void)
{
	static struct pollfd fds[2 + 2 * CONNECTIONS_MAX];

	for (;;) {
		bool connects = false;

		fds[0] = (struct pollfd){.fd = proxy.channel, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = proxy.lookups, .events = POLLIN};
		for (u32 i = 0; i < CONNECTIONS_MAX; i++) {
			const struct connection *c = &proxy.connection[i];
			short client = 0, server = 0;

			if (c->used)
				events_of(c, &client, &server);
			connects |= c->used && c->state == CONNECTING;
			/*
			 * Without events a closed end is told of again and again. The client's is
			 * of interest when it has said all that it will.
			 */
			fds[2 + 2 * i] = (struct pollfd){
				client || (c->used && c->up.shut) ? c->client : -1, client, 0};
			fds[3 + 2 * i] = (struct pollfd){server ? c->server : -1, server, 0};
		}
		if (poll(fds, ARRAY_SIZE(fds), connects ? 1000 : -1) < 0 && errno != EINTR)
			return 1;
		for (u32 i = 0; i < CONNECTIONS_MAX; i++)
			if (proxy.connection[i].used)
				advance(&proxy.connection[i], fds[2 + 2 * i].revents,
					fds[3 + 2 * i].revents);
		if (fds[1].revents && !take_lookup())
			return 1;
		if (fds[0].revents && !take_client())
			return 0;
	}
}

struct setup {
	const struct net_rules *rules;
	const struct landlock_rules *walls;
	bool named;
};

static int proxy_main(const void *arg, int channel)
{
	const struct setup *setup = arg;
	const char *lacks;
	int ret;

	proxy.rules = setup->rules;
	proxy.channel = channel;
	proxy.lookups = setup->named ? HELPER_KEPT : -1;
	/* Who names an address has to be allowed the address, not a name that leads to it. */
	for (u32 i = 0; i < proxy.rules->count; i++)
		if (proxy.rules->rule[i].names)
			proxy.rules->rule[i].names->count = 0;
	ret = landlock_confine(setup->walls, &lacks);
	if (ret)
		message("warning: landlock does not hold for the proxy: %s", host_error(-ret));
	ret = seccomp_confine_proxy();
	if (ret) {
		message("--proxy: seccomp: %s", host_error(-ret));
		return 1;
	}
	return serve();
}

int proxy_start(const struct net_rules *rules, const struct landlock_rules *walls, int lookups,
		int *channel)
{
	const struct setup setup = {rules, walls, lookups >= 0};

	return helper_start("--proxy", proxy_main, &setup, lookups, channel);
}
