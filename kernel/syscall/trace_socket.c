// SPDX-License-Identifier: MIT
/*
 * Printers of what the calls on sockets read and fill: addresses, messages with their ancillary
 * data, options (trace_line.h has their table).
 */
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/trace_line.h"

#include <asm/unistd.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <linux/uio.h>

#define AF_UNIX		1
#define AF_INET		2
#define AF_INET6	10
#define AF_NETLINK	16
#define SOL_SOCKET	1
#define SCM_RIGHTS	1
#define SCM_CREDENTIALS 2
#define ADDRESS_MAX	128
#define CONTROL_MAX	4096

/* struct user_msghdr of Linux, which its uapi headers leave to the C library. */
struct msghdr {
	u64 name;
	s32 name_len;
	u64 iov, iov_len;
	u64 control, control_len;
	u32 flags;
};
_Static_assert(offsetof(struct msghdr, name_len) == MSGHDR_NAMELEN, "trace_given reads it");
struct cmsghdr {
	u64 len;
	s32 level, type;
};

static u16 swap16(u16 v)
{
	return __builtin_bswap16(v);
}

/* RFC 5952: the longest run of two or more zero groups, the first of equals, becomes "::". */
static void emit_in6(struct line *l, const struct in6_addr *a)
{
	int best = -1, best_len = 1, run = 0;

	if (!a->s6_addr32[0] && !a->s6_addr32[1] && a->s6_addr32[2] == 0xffff0000) {
		emit(l, "::ffff:%u.%u.%u.%u", a->s6_addr[12], a->s6_addr[13], a->s6_addr[14],
		     a->s6_addr[15]);
		return;
	}
	for (int n = 0; n < 8; n++) {
		run = a->s6_addr16[n] ? 0 : run + 1;
		if (run > best_len) {
			best_len = run;
			best = n - run + 1;
		}
	}
	for (int n = 0; n < 8; n++) {
		if (n == best) {
			emit(l, "::");
			n += best_len - 1;
			continue;
		}
		emit(l, n && n != best + best_len ? ":%x" : "%x", swap16(a->s6_addr16[n]));
	}
}

static void emit_unix(struct line *l, const char *path, u64 len)
{
	emit(l, ", sun_path=");
	if (len > 1 && path[0] == '\0') {
		emit_char(l, '@');
		emit_bytes(l, (const u8 *)path + 1, len - 1, false);
	} else {
		emit_bytes(l, (const u8 *)path, strnlen(path, len), false);
	}
}

static void emit_sockaddr(struct line *l, u64 addr, s64 len, const struct trace_names *families)
{
	union {
		u16 family;
		u8 bytes[ADDRESS_MAX];
		struct {
			u16 family;
			char path[108];
		} un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_nl nl;
	} a = {0};

	if (addr == 0 || len < (s64)sizeof(a.family) ||
	    copy_from_user(&a, addr, MIN((u64)len, sizeof(a)))) {
		emit_ptr(l, addr);
		return;
	}
	emit(l, "{sa_family=");
	emit_names(l, a.family, families);
	len = MIN(len, (s64)sizeof(a)) - (s64)sizeof(a.family);
	if (len == 0) {
		emit(l, "}");
		return;
	}
	if (a.family == AF_UNIX) {
		emit_unix(l, a.un.path, MIN((u64)len, sizeof(a.un.path)));
	} else if (a.family == AF_INET && len >= (s64)sizeof(a.in) - 2) {
		const u8 *ip = (const u8 *)&a.in.sin_addr;

		emit(l, ", sin_port=htons(%u), sin_addr=inet_addr(\"%u.%u.%u.%u\")",
		     swap16(a.in.sin_port), ip[0], ip[1], ip[2], ip[3]);
	} else if (a.family == AF_INET6 && len >= (s64)sizeof(a.in6) - 6) {
		emit(l, ", sin6_port=htons(%u), sin6_flowinfo=htonl(%u), inet_pton(AF_INET6, \"",
		     swap16(a.in6.sin6_port), __builtin_bswap32(a.in6.sin6_flowinfo));
		emit_in6(l, &a.in6.sin6_addr);
		emit(l, "\", &sin6_addr), sin6_scope_id=%u", a.in6.sin6_scope_id);
	} else if (a.family == AF_NETLINK && len >= (s64)sizeof(a.nl) - 2) {
		emit(l, ", nl_pid=%u, nl_groups=%08x", a.nl.nl_pid, a.nl.nl_groups);
	} else {
		emit(l, ", sa_data=");
		emit_bytes(l, a.bytes + 2, (u64)len, false);
	}
	emit(l, "}");
}

void print_sockaddr(struct line *l, const struct call *c, unsigned i,
		    const struct trace_names *names)
{
	emit_sockaddr(l, c->arg[i], (s32)c->arg[i + 1], names);
}

/* The length that a call has filled. -1: there is none. */
static s32 filled_len(const struct call *c, unsigned i)
{
	s32 len;

	return c->arg[i] == 0 || get_user(&len, c->arg[i]) ? -1 : len;
}

void print_sockaddr_out(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	s32 len = filled_len(c, i + 1);

	if (c->given >= 0)
		len = MIN(len, c->given);
	emit_sockaddr(l, c->arg[i], len, names);
}

void print_socklen(struct line *l, const struct call *c, unsigned i,
		   const struct trace_names *names)
{
	s32 len = filled_len(c, i);

	(void)names;
	if (len < 0)
		emit_ptr(l, c->arg[i]);
	else if (c->given >= 0 && c->given != len)
		emit(l, "[%d => %d]", c->given, len);
	else
		emit(l, "[%d]", len);
}

void print_protocol(struct line *l, const struct call *c, unsigned i,
		    const struct trace_names *names)
{
	u64 domain = c->arg[0];

	if (domain == AF_INET || domain == AF_INET6)
		emit_names(l, (u32)c->arg[i], names);
	else if (domain == AF_NETLINK)
		emit_names(l, (u32)c->arg[i], &trace_netlink_names);
	else
		emit(l, "%d", (s32)c->arg[i]);
}

/* Options. */

static const struct trace_names *options_of(u64 level)
{
	switch ((s32)level) {
	case SOL_SOCKET:
		return &trace_so_names;
	case IPPROTO_TCP:
		return &trace_tcp_names;
	case IPPROTO_IP:
		return &trace_ip_names;
	case IPPROTO_IPV6:
		return &trace_ipv6_names;
	}
	return NULL;
}

void print_sockopt(struct line *l, const struct call *c, unsigned i,
		   const struct trace_names *names)
{
	const struct trace_names *options = options_of(c->arg[i - 1]);

	(void)names;
	if (options)
		emit_names(l, (u32)c->arg[i], options);
	else
		emit(l, "%#x", (u32)c->arg[i]);
}

static void emit_optval(struct line *l, u64 addr, s64 len)
{
	s32 value;

	if (len == (s64)sizeof(value) && addr && !get_user(&value, addr))
		emit(l, "[%d]", value);
	else if (len > 0)
		emit_user_bytes(l, addr, (u64)len);
	else
		emit_ptr(l, addr);
}

void print_optval_in(struct line *l, const struct call *c, unsigned i,
		     const struct trace_names *names)
{
	(void)names;
	emit_optval(l, c->arg[i], (s32)c->arg[i + 1]);
}

void print_optval_out(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	(void)names;
	emit_optval(l, c->arg[i], filled_len(c, i + 1));
}

void print_optlen(struct line *l, const struct call *c, unsigned i, const struct trace_names *names)
{
	print_socklen(l, c, i, names);
}

/* Messages. */

static void emit_cmsg_data(struct line *l, const struct cmsghdr *h, u64 at, u64 len)
{
	s32 fd;
	struct {
		s32 pid;
		u32 uid, gid;
	} cred;

	if (h->level == SOL_SOCKET && h->type == SCM_RIGHTS) {
		emit(l, "[");
		for (u64 n = 0; n < MIN(len / 4, (u64)TRACE_ITEMS); n++) {
			if (get_user(&fd, at + n * 4))
				break;
			emit(l, n ? ", " : "");
			emit_fd(l, fd);
		}
		emit(l, len / 4 > TRACE_ITEMS ? ", ...]" : "]");
	} else if (h->level == SOL_SOCKET && h->type == SCM_CREDENTIALS && len >= sizeof(cred) &&
		   !get_user(&cred, at)) {
		emit(l, "{pid=%d, uid=%u, gid=%u}", cred.pid, cred.uid, cred.gid);
	} else {
		emit_user_bytes(l, at, len);
	}
}

static void emit_control(struct line *l, u64 at, u64 len)
{
	struct cmsghdr h;
	u64 used = 0;

	if (at == 0 || len < sizeof(h) || get_user(&h, at)) {
		emit_ptr(l, at);
		return;
	}
	len = MIN(len, (u64)CONTROL_MAX);
	emit(l, "[");
	while (len - used >= sizeof(h) && !get_user(&h, at + used) && h.len >= sizeof(h) &&
	       h.len <= len - used) {
		emit(l, "%s{cmsg_len=%lu, cmsg_level=", used ? ", " : "", h.len);
		emit_names(l, (u32)h.level, &trace_sol_names);
		emit(l, ", cmsg_type=");
		if (h.level == SOL_SOCKET)
			emit_names(l, (u32)h.type, &trace_scm_names);
		else
			emit(l, "%#x", (u32)h.type);
		if (h.len > sizeof(h)) {
			emit(l, ", cmsg_data=");
			emit_cmsg_data(l, &h, at + used + sizeof(h), h.len - sizeof(h));
		}
		emit(l, "}");
		used = MIN(used + ALIGN_UP(h.len, 8), len);
	}
	emit(l, "]");
}

static void emit_msghdr(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names, u64 bytes)
{
	struct msghdr m;

	if (c->arg[i] == 0 || get_user(&m, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "{msg_name=");
	emit_sockaddr(l, m.name, m.name_len, &trace_domain_names);
	if (c->given >= 0 && c->given != m.name_len)
		emit(l, ", msg_namelen=%d => %d, msg_iov=", c->given, m.name_len);
	else
		emit(l, ", msg_namelen=%d, msg_iov=", m.name_len);
	emit_iov(l, m.iov, m.iov_len, bytes);
	emit(l, ", msg_iovlen=%lu", m.iov_len);
	if (m.control_len) {
		emit(l, ", msg_control=");
		emit_control(l, m.control, m.control_len);
	}
	emit(l, ", msg_controllen=%lu, msg_flags=", m.control_len);
	emit_names(l, m.flags, names);
	emit(l, "}");
}

void print_msghdr(struct line *l, const struct call *c, unsigned i, const struct trace_names *names)
{
	emit_msghdr(l, c, i, names, UINT64_MAX);
}

void print_msghdr_out(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	emit_msghdr(l, c, i, names, c->result > 0 ? (u64)c->result : 0);
}
