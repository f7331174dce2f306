// SPDX-License-Identifier: MIT
/*
 * See inside.h. The table has the sockets of services, known by the inode of the end that the guest
 * has. The thread of the name server polls the other ends, answers questions, and removes a socket
 * whose guest's end is closed. It is started with the first such socket.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#undef MIN /* sys/param.h, by nameser.h */
#undef MAX
#include "vm/handle.h"
#include "vm/jail/audit.h"
#include "vm/jail/dns.h"
#include "vm/jail/inside.h"
#include "vm/jail/lookup.h"
#include "vm/jail/proxy.h"
#include "vm/sockopt.h"

#define SOCKETS_MAX 256
#define OWN_PORT    40000 /* getsockname(2) says this: nobody can connect to it */

enum kind {
	DATAGRAMS,   /* UDP, to the name server only */
	QUESTIONS,   /* TCP to the name server */
	PROXIED,     /* TCP to the proxy, whose process has the other end */
	UNCONNECTED, /* TCP that only the proxy can be reached by */
};

struct inside {
	enum kind kind;
	u16 family; /* AF_INET or AF_INET6 */
	u16 port;   /* of the service; 0: not connected */
	int far;    /* our end; -1: none */
	ino_t near; /* of the guest's end */
	u32 pid;    /* who made it, for the audit */
	char who[AUDIT_WHO];
	u32 have; /* bytes of a question by TCP that is not complete */
	u8 part[2 + DNS_MESSAGE_MAX];
};

static const struct net_rules *rules;
static int lookup_channel = -1, proxy_channel = -1;

/* lock protects all of it. The thread alone changes `have` and `part`, and closes far ends. */
static struct {
	pthread_mutex_t lock;
	struct inside socket[SOCKETS_MAX];
	_Atomic u32 count;
	u32 oldest; /* the next PROXIED or UNCONNECTED one to give way */
	int wake;   /* tells the thread that there is a new one; -1: there is no thread */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = -1};

void inside_serve(const struct net_rules *for_names, int lookups, int proxy)
{
	rules = for_names;
	lookup_channel = lookups;
	proxy_channel = proxy;
}

/* Copies what the table has about a socket. Returns false if it is not in it. */
static bool find(int file, struct inside *to)
{
	struct stat st;
	bool found = false;

	if (table.count == 0 || HOST_CALL(fstat, (u64)file, (u64)&st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	pthread_mutex_lock(&table.lock);
	for (u32 i = 0; i < table.count && !found; i++) {
		found = table.socket[i].near == st.st_ino;
		if (found)
			*to = table.socket[i];
	}
	pthread_mutex_unlock(&table.lock);
	return found;
}

/* ---- the name server ------------------------------------------------------------------------ */

/* Answers a question. Returns the answer's size, 0 if there is none. */
static size_t answer(const u8 *message, size_t len, const struct inside *from,
		     u8 to[DNS_MESSAGE_MAX])
{
	struct lookup_answer found = {0};
	struct dns_question q;
	int code = dns_read_question(message, len, &q);
	s64 rule;

	if (code < 0)
		return 0;
	if (code != ns_r_noerror)
		return dns_write_answer(to, message, &q, code, NULL, 0, 0);
	rule = lookup_rule(rules, q.name);
	if (rule < 0) {
		if (q.type == ns_t_a || q.type == ns_t_aaaa)
			audit_look_up(q.name, from->who, from->pid);
		code = ns_r_nxdomain;
	} else if (!net_fresh(&rules->rule[rule], found.addr, &found.count, &found.ttl)) {
		if (lookup_ask(lookup_channel, (u32)rule) &&
		    lookup_read(lookup_channel, rules, &found))
			lookup_open(rules, &found);
		else
			code = ns_r_servfail;
	}
	if (code == ns_r_noerror && found.count == 0)
		code = ns_r_nxdomain;
	return dns_write_answer(to, message, &q, code, found.addr, found.count,
				MIN(found.ttl, (u32)INT32_MAX));
}

static ssize_t transfer(long nr, int fd, struct iovec *iov, u32 count)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = count};

	return host_syscall(nr, (const u64[6]){(u64)fd, (u64)&msg, MSG_DONTWAIT | MSG_NOSIGNAL});
}

/* Each returns false if the guest's end is closed, or the guest does not keep to the protocol. */
static bool serve_datagram(struct inside *s)
{
	u8 message[DNS_MESSAGE_MAX], reply[DNS_MESSAGE_MAX];
	struct iovec in = {message, sizeof(message)}, out = {reply, 0};
	ssize_t n = transfer(SYS_recvmsg, s->far, &in, 1);

	if (n == -EAGAIN)
		return true;
	if (n < 0)
		return false;
	out.iov_len = answer(message, (size_t)n, s, reply);
	/* A guest that does not read its answers loses them, as with any UDP. */
	if (out.iov_len)
		transfer(SYS_sendmsg, s->far, &out, 1);
	return true;
}

static bool serve_stream(struct inside *s)
{
	struct iovec in = {s->part + s->have, sizeof(s->part) - s->have};
	ssize_t n = transfer(SYS_recvmsg, s->far, &in, 1);

	if (n == -EAGAIN)
		return true;
	if (n <= 0)
		return false;
	s->have += (u32)n;
	while (s->have >= 2) {
		u8 reply[DNS_MESSAGE_MAX], size[2];
		u32 len = ns_get16(s->part);
		struct iovec out[2] = {{size, sizeof(size)}, {reply, 0}};

		if (len > DNS_MESSAGE_MAX)
			return false;
		if (s->have < 2 + len)
			break;
		out[1].iov_len = answer(s->part + 2, len, s, reply);
		ns_put16((u32)out[1].iov_len, size);
		if (out[1].iov_len && transfer(SYS_sendmsg, s->far, out, 2) !=
					      (ssize_t)(sizeof(size) + out[1].iov_len))
			return false;
		s->have -= 2 + len;
		memmove(s->part, s->part + 2 + len, s->have);
	}
	return true;
}

/* Serves one socket that has something. Only this thread removes sockets with a far end. */
static void serve(int far, bool closed)
{
	struct inside s;
	u32 at = 0;
	bool stays;

	pthread_mutex_lock(&table.lock);
	while (at < table.count && table.socket[at].far != far)
		at++;
	s = table.socket[at];
	pthread_mutex_unlock(&table.lock);
	stays = s.kind == DATAGRAMS ? !closed && serve_datagram(&s) : serve_stream(&s);
	pthread_mutex_lock(&table.lock);
	/* Others are only added, or take the place of one without a far end. */
	if (stays) {
		memcpy(table.socket[at].part, s.part, sizeof(s.part));
		table.socket[at].have = s.have;
	} else {
		close(far);
		table.socket[at] = table.socket[--table.count];
	}
	pthread_mutex_unlock(&table.lock);
}

static void *name_server(void *arg)
{
	struct pollfd fds[SOCKETS_MAX + 1];
	u64 woken;

	(void)arg;
	for (;;) {
		u32 n = 1;

		fds[0] = (struct pollfd){.fd = table.wake, .events = POLLIN};
		pthread_mutex_lock(&table.lock);
		for (u32 i = 0; i < table.count; i++)
			if (table.socket[i].far >= 0)
				fds[n++] = (struct pollfd){.fd = table.socket[i].far,
							   .events = POLLIN};
		pthread_mutex_unlock(&table.lock);
		if (poll(fds, n, -1) <= 0)
			continue;
		if (fds[0].revents && read(table.wake, &woken, sizeof(woken)) < 0)
			return NULL;
		for (u32 i = 1; i < n; i++)
			if (fds[i].revents)
				serve(fds[i].fd,
				      !(fds[i].revents & POLLIN) || fds[i].revents & POLLHUP);
	}
}

/* Starts the thread if it is not there. Called with the lock held. Returns 0 or -errno. */
static s64 start_thread(void)
{
	sigset_t all, old;
	pthread_t thread;
	int ret;

	if (table.wake >= 0)
		return 0;
	table.wake = eventfd(0, EFD_CLOEXEC);
	if (table.wake < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&thread, NULL, name_server, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret) {
		close(table.wake);
		table.wake = -1;
		return -ret;
	}
	pthread_detach(thread);
	return 0;
}

/* ---- sockets -------------------------------------------------------------------------------- */

/* Puts a socket into the table. Returns 0 or -errno. */
static s64 enter(struct call *c, const struct inside *new)
{
	const u64 one = 1;
	struct inside *s = NULL;
	s64 ret = 0;

	pthread_mutex_lock(&table.lock);
	if (new->far >= 0)
		ret = start_thread();
	if (ret == 0 && table.count < SOCKETS_MAX)
		s = &table.socket[table.count++];
	/* Nobody says when one without our end is closed; what it is called is lost then. */
	for (u32 i = 0; ret == 0 && !s && i < SOCKETS_MAX; i++) {
		table.oldest = (table.oldest + 1) % SOCKETS_MAX;
		if (table.socket[table.oldest].far < 0)
			s = &table.socket[table.oldest];
	}
	if (ret == 0 && !s)
		ret = -ENOBUFS;
	if (s) {
		*s = *new;
		audit_who(c, s->who, &s->pid);
		if (new->far >= 0 && write(table.wake, &one, sizeof(one)) < 0)
			ret = -errno;
	}
	pthread_mutex_unlock(&table.lock);
	return ret;
}

static ino_t inode_of(int file)
{
	struct stat st = {0};

	HOST_CALL(fstat, (u64)file, (u64)&st);
	return st.st_ino;
}

/* Closes descriptors that did not get to where they belong. */
static s64 give_up(const int pair[2], s64 err)
{
	close(pair[0]);
	close(pair[1]);
	return err;
}

/* UDP. Records of a pair's SOCK_SEQPACKET are what datagrams are, and tell when the guest closes.
 */
static s64 make_datagrams(struct call *c, u16 family, u64 flags)
{
	struct inside new = {.kind = DATAGRAMS, .family = family};
	int pair[2];
	s64 ret =
		HOST_CALL(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, (u64)pair);

	if (ret < 0)
		return ret;
	new.far = pair[1];
	new.near = inode_of(pair[0]);
	ret = enter(c, &new);
	return ret < 0 ? give_up(pair, ret) : handle_add(pair[0]);
}

bool inside_socket(struct call *c, u64 family, u64 type, u64 protocol, s64 *ret)
{
	const u64 kind = type & 0xf, flags = type & SOCK_NONBLOCK;

	if (family != AF_INET && family != AF_INET6)
		return false;
	if (lookup_channel >= 0 && kind == SOCK_DGRAM &&
	    (protocol == 0 || protocol == IPPROTO_UDP)) {
		*ret = make_datagrams(c, (u16)family, flags);
		return true;
	}
	if (proxy_channel >= 0 && kind == SOCK_STREAM &&
	    (protocol == 0 || protocol == IPPROTO_TCP)) {
		struct inside new = {.kind = UNCONNECTED, .family = (u16)family, .far = -1};
		s64 fd = HOST_CALL(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

		if (fd >= 0) {
			new.near = inode_of((int)fd);
			*ret = enter(c, &new);
			if (*ret < 0)
				close((int)fd);
			fd = *ret < 0 ? *ret : handle_add((int)fd);
		}
		*ret = fd;
		return true;
	}
	return false;
}

/* Returns the port of an address if it is the services', or else 0. *family becomes its family. */
static u16 service_port(const void *addr, u32 len, u16 *family)
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct in_addr own;

	inet_pton(AF_INET, INSIDE_ADDRESS, &own);
	if (!addr || len < sizeof(sa_family_t))
		return 0;
	memcpy(family, addr, sizeof(sa_family_t));
	if (*family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, addr, sizeof(in));
		return in.sin_addr.s_addr == own.s_addr ? ntohs(in.sin_port) : 0;
	}
	if (*family == AF_INET6 && len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memset(&in6, 0, sizeof(in6));
		memcpy(&in6, addr, MIN(len, (u32)sizeof(in6)));
		return !memcmp(&in6.sin6_addr, mapped, sizeof(mapped)) &&
				       !memcmp(in6.sin6_addr.s6_addr + 12, &own, sizeof(own))
			       ? ntohs(in6.sin6_port)
			       : 0;
	}
	return 0;
}

/* Returns true if a stream socket that is connected there talks to a service. */
static bool is_stream_service(u16 port)
{
	return (lookup_channel >= 0 && port == INSIDE_NAME_SERVER) ||
	       (proxy_channel >= 0 && (port == INSIDE_PROXY_HTTP || port == INSIDE_PROXY_SOCKS));
}

/* Sends the proxy its end of a connection. Returns 0 or -errno. */
static s64 pass(int far)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	const struct msghdr msg = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = &control,
				   .msg_controllen = sizeof(control)};
	s64 ret;

	memcpy(CMSG_DATA(&control.head), &far, sizeof(far));
	ret = HOST_CALL(sendmsg, (u64)proxy_channel, (u64)&msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	return ret < 0 ? -ECONNREFUSED : 0;
}

/* Puts one end of a new pair in the place of a socket, with its flags. Returns 0 or -errno. */
static s64 connect_stream(struct call *c, int file, u16 family, u16 port)
{
	bool to_proxy = port != INSIDE_NAME_SERVER;
	struct inside new = {.kind = to_proxy ? PROXIED : QUESTIONS, .family = family};
	s64 flags = HOST_CALL(fcntl, (u64)file, F_GETFL, 0);
	int pair[2];
	s64 ret = HOST_CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, (u64)pair);

	if (ret < 0)
		return ret;
	new.port = port;
	new.far = to_proxy ? -1 : pair[1];
	new.near = inode_of(pair[0]);
	ret = flags < 0 ? flags : HOST_CALL(fcntl, (u64)pair[0], F_SETFL, (u64)flags);
	if (ret >= 0 && to_proxy)
		ret = pass(pair[1]);
	if (ret < 0)
		return give_up(pair, ret);
	ret = enter(c, &new);
	if (ret < 0)
		return give_up(pair, ret);
	if (to_proxy)
		close(pair[1]);
	/* The thread sees it if this fails: the other end is closed then. */
	ret = HOST_CALL(dup3, (u64)pair[0], (u64)file, O_CLOEXEC);
	close(pair[0]);
	return ret < 0 ? ret : 0;
}

static int option(int file, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	HOST_CALL(getsockopt, (u64)file, SOL_SOCKET, (u64)name, (u64)&value, (u64)&len);
	return value;
}

static s64 connect_datagrams(const struct inside *s, const void *addr, u32 len)
{
	u16 family = AF_UNSPEC, port = service_port(addr, len, &family);

	if (family != AF_UNSPEC && port != INSIDE_NAME_SERVER)
		/* The C library asks so which addresses can be reached (RFC 6724), with any port.
		 */
		return net_may_reach(addr, len, false) == 0 ? -ENETUNREACH : -EACCES;
	pthread_mutex_lock(&table.lock);
	for (u32 i = 0; i < table.count; i++)
		if (table.socket[i].near == s->near)
			table.socket[i].port = port;
	pthread_mutex_unlock(&table.lock);
	return 0;
}

bool inside_connect(struct call *c, int file, const void *addr, u32 len, s64 *ret)
{
	struct inside s;
	u16 family, port;

	if (lookup_channel < 0 && proxy_channel < 0)
		return false;
	if (find(file, &s)) {
		port = service_port(addr, len, &family);
		if (s.kind == DATAGRAMS)
			*ret = connect_datagrams(&s, addr, len);
		else if (s.kind != UNCONNECTED)
			*ret = -EISCONN;
		else
			*ret = is_stream_service(port) ? connect_stream(c, file, s.family, port)
						       : -EACCES;
		return true;
	}
	port = service_port(addr, len, &family);
	if (!is_stream_service(port) || option(file, SO_TYPE) != SOCK_STREAM)
		return false;
	family = (u16)option(file, SO_DOMAIN);
	if (family != AF_INET && family != AF_INET6)
		return false;
	*ret = connect_stream(c, file, family, port);
	return true;
}

bool inside_bind(int file, const void *addr, u32 len, s64 *ret)
{
	struct sockaddr_in6 any = {0};
	struct inside s;

	if (!find(file, &s))
		return false;
	/* Any port, which is what programs that only ask bind to. The port is at the same place. */
	memcpy(&any, addr, MIN(len, (u32)sizeof(any)));
	*ret = len >= sizeof(struct sockaddr_in) && any.sin6_port == 0 ? 0 : -EACCES;
	return true;
}

bool inside_may_send(int file, const void *addr, u32 len, s64 *ret)
{
	struct inside s;
	u16 family;

	if (!find(file, &s))
		return false;
	if (s.kind != DATAGRAMS)
		*ret = 0; /* a connection: the address does not count */
	else if (len > 0)
		*ret = service_port(addr, len, &family) == INSIDE_NAME_SERVER ? 0 : -EACCES;
	else
		*ret = s.port ? 0 : -EDESTADDRREQ;
	return true;
}

/* Writes an address in the family of a socket. */
static void write_name(const struct inside *s, const char *host, u16 port, void *addr, u32 *len)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	inet_pton(AF_INET, host, &in.sin_addr);
	in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(in6.sin6_addr.s6_addr + 12, &in.sin_addr, 4);
	*len = s->family == AF_INET ? sizeof(in) : sizeof(in6);
	memcpy(addr, s->family == AF_INET ? (void *)&in : (void *)&in6, *len);
}

bool inside_source(int file, void *addr, u32 *len)
{
	struct inside s;

	if (!find(file, &s))
		return false;
	*len = 0;
	if (s.kind == DATAGRAMS)
		write_name(&s, INSIDE_ADDRESS, INSIDE_NAME_SERVER, addr, len);
	return true;
}

bool inside_name(int file, bool peer, void *addr, u32 *len, s64 *ret)
{
	struct inside s;

	if (!find(file, &s))
		return false;
	*ret = 0;
	if (!peer)
		write_name(&s, s.port ? "127.0.0.1" : "0.0.0.0", s.port ? OWN_PORT : 0, addr, len);
	else if (s.port)
		write_name(&s, INSIDE_ADDRESS, s.port, addr, len);
	else
		*ret = -ENOTCONN;
	return true;
}

bool inside_set_option(int file, u64 level, u64 name, s64 *ret)
{
	struct inside s;

	if (level == SOL_SOCKET || !find(file, &s))
		return false;
	*ret = sockopt_size(level, name, SOCKOPT_SET) > 0 ? 0 : -ENOPROTOOPT;
	return true;
}

bool inside_get_option(int file, u64 level, u64 name, void *value, u32 len, s64 *ret)
{
	struct inside s;
	int number = 0;

	if (level == SOL_SOCKET && name != SO_DOMAIN && name != SO_PROTOCOL && name != SO_TYPE)
		return false;
	if (!find(file, &s))
		return false;
	if (level != SOL_SOCKET && sockopt_size(level, name, SOCKOPT_GET) == 0) {
		*ret = -ENOPROTOOPT;
		return true;
	}
	if (level == SOL_SOCKET && name == SO_DOMAIN)
		number = s.family;
	else if (level == SOL_SOCKET && name == SO_PROTOCOL)
		number = s.kind == DATAGRAMS ? IPPROTO_UDP : IPPROTO_TCP;
	else if (level == SOL_SOCKET)
		number = s.kind == DATAGRAMS ? SOCK_DGRAM : SOCK_STREAM;
	memset(value, 0, len);
	memcpy(value, &number, MIN(len, (u32)sizeof(number)));
	*ret = MIN(len, (u32)sizeof(number));
	return true;
}

void inside_each_refused(void (*told)(const char *target))
{
	char text[PROXY_DENIED_MAX + 1];
	struct iovec iov = {text, sizeof(text) - 1};
	ssize_t n;

	while (proxy_channel >= 0 && (n = transfer(SYS_recvmsg, proxy_channel, &iov, 1)) > 0) {
		text[n] = '\0';
		told(text);
	}
}
