// SPDX-License-Identifier: MIT
/* See net.h. This file decides; net_rules.c reads rules, lookup.c looks names up. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include "vm/hostcall.h"
#include "vm/jail/net.h"

static const struct net_rules *rules; /* NULL: everything is allowed */
static _Atomic bool netlink_made; /* a netlink socket was allowed: writes have to be looked at */

/* Addresses of this link, where clouds answer questions about the host's secrets. */
static const struct net_prefix link_local[] = {
	{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254}, 96 + 16, true},
	{{0xfe, 0x80}, 10, true},
	{{0xfd, 0x00, 0x0e, 0xc2}, 32, true},
};

/* Prefixes of addresses whose packets a router may send on to the IPv4 address that is in them. */
static const struct {
	struct net_prefix prefix;
	u32 at; /* where the IPv4 address is */
} carries_ipv4[] = {
	{{{0}, 96, true}, 12},				  /* RFC 4291: IPv4-compatible */
	{{{0x00, 0x64, 0xff, 0x9b}, 96, true}, 12},	  /* RFC 6052: NAT64 */
	{{{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48, true}, 12}, /* RFC 8215 */
	{{{0x20, 0x02}, 16, true}, 2},			  /* RFC 3056: 6to4 */
};

/*
 * A program connects a moment after it got an address, so addresses stay open for longer than their
 * time to live says. A day is the most that a name server is believed.
 */
#define GRACE_SECONDS 5
#define TTL_MAX	      86400

/* Guards struct net_answers of all rules. */
static pthread_rwlock_t names_lock = PTHREAD_RWLOCK_INITIALIZER;

void net_enforce(const struct net_rules *r)
{
	rules = r;
}

const struct net_rules *net_enforced(void)
{
	return rules;
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

/* Returns the place for an address: its own, a free one, or that of the one that ends first. */
static struct net_answer *place_for(struct net_answers *names, const u8 addr[16], u64 now)
{
	struct net_answer *place = NULL;

	for (u32 i = 0; i < names->count; i++) {
		struct net_answer *a = &names->answer[i];

		if (!memcmp(a->addr, addr, sizeof(a->addr)))
			return a;
		if (!place || a->until < place->until)
			place = a;
	}
	if (names->count < NET_ANSWERS && (!place || place->until > now)) {
		place = &names->answer[names->count++];
		place->until = 0;
	}
	return place;
}

void net_open(const struct net_rule *rule, const u8 addr[][16], u32 count, u32 ttl)
{
	struct net_answers *names = rule->names;
	u64 now = now_ns();

	if (!names)
		return;
	pthread_rwlock_wrlock(&names_lock);
	names->fresh =
		ttl == NET_TTL_FOREVER ? NET_FOREVER : now + MIN(ttl, (u32)TTL_MAX) * 1000000000UL;
	names->none = count == 0;
	for (u32 i = 0; i < count; i++) {
		struct net_answer *a = place_for(names, addr[i], now);
		u64 until = ttl == NET_TTL_FOREVER ? NET_FOREVER
						   : names->fresh + GRACE_SECONDS * 1000000000UL;

		if (memcmp(a->addr, addr[i], sizeof(a->addr)) != 0)
			a->until = 0;
		memcpy(a->addr, addr[i], sizeof(a->addr));
		a->until = MAX(a->until, until);
	}
	pthread_rwlock_unlock(&names_lock);
}

bool net_fresh(const struct net_rule *rule, u8 addr[NET_ANSWERS][16], u32 *count, u32 *ttl)
{
	const struct net_answers *names = rule->names;
	u64 now = now_ns();
	bool fresh;

	*count = *ttl = 0;
	pthread_rwlock_rdlock(&names_lock);
	fresh = names && names->fresh > now;
	if (fresh) {
		*ttl = (u32)(MIN((names->fresh - now) / 1000000000, (u64)TTL_MAX));
		/* Those of an earlier lookup are open, but no answer any more. */
		for (u32 i = 0; i < names->count && !names->none; i++)
			if (names->answer[i].until >= names->fresh)
				memcpy(addr[(*count)++], names->answer[i].addr, 16);
	}
	pthread_rwlock_unlock(&names_lock);
	return fresh;
}

/* Returns true if the address is one of those that are open for a name. */
static bool is_open(const struct net_answers *names, const u8 addr[16])
{
	u64 now = now_ns();
	bool open = false;

	pthread_rwlock_rdlock(&names_lock);
	for (u32 i = 0; i < names->count && !open; i++)
		open = names->answer[i].until > now && !memcmp(names->answer[i].addr, addr, 16);
	pthread_rwlock_unlock(&names_lock);
	return open;
}

static bool restricted(void)
{
	return rules && rules->mode != NET_HOST;
}

static bool contains(const struct net_prefix *prefix, const u8 addr[16])
{
	u32 bytes = prefix->bits / 8, rest = prefix->bits % 8;

	return memcmp(prefix->addr, addr, bytes) == 0 &&
	       (rest == 0 || (prefix->addr[bytes] ^ addr[bytes]) >> (8 - rest) == 0);
}

/* Returns the link-local network that an address belongs to, or NULL. */
static const struct net_prefix *link_local_of(const u8 addr[16])
{
	for (u32 i = 0; i < ARRAY_SIZE(link_local); i++)
		if (contains(&link_local[i], addr))
			return &link_local[i];
	return NULL;
}

static bool has_port(const struct net_ports *ports, u32 count, u16 port)
{
	for (u32 i = 0; i < count; i++)
		if (port >= ports[i].first && port <= ports[i].last)
			return true;
	return false;
}

bool net_rule_has_port(const struct net_rule *rule, u16 port)
{
	return !rule->port_count || has_port(rule->ports, rule->port_count, port);
}

/*
 * Returns true if the rule is about this address and port. An allow rule is about a link-local
 * address only if the user wrote a part of that network.
 */
static bool matches(const struct net_rule *rule, const u8 addr[16], u16 port)
{
	const struct net_prefix *special = rule->deny ? NULL : link_local_of(addr);

	if (!net_rule_has_port(rule, port))
		return false;
	if (rule->names && !special && is_open(rule->names, addr))
		return true;
	for (u32 i = 0; i < rule->prefixes; i++) {
		const struct net_prefix *p = &rule->prefix[i];

		if (contains(p, addr) && (!special || (p->literal && p->bits >= special->bits)))
			return true;
	}
	return false;
}

static bool any_matches(const struct net_rules *all, bool deny, const u8 addr[16], u16 port)
{
	for (u32 i = 0; i < all->count; i++)
		if (all->rule[i].deny == deny && matches(&all->rule[i], addr, port))
			return true;
	return false;
}

/* Returns true if a denied or link-local IPv4 address is inside this IPv6 address. */
static bool carries_denied(const struct net_rules *all, const u8 addr[16], u16 port)
{
	u8 inner[16] = {[10] = 0xff, [11] = 0xff};

	for (u32 i = 0; i < ARRAY_SIZE(carries_ipv4); i++) {
		if (!contains(&carries_ipv4[i].prefix, addr))
			continue;
		memcpy(inner + 12, addr + carries_ipv4[i].at, 4);
		if (any_matches(all, true, inner, port) || link_local_of(inner))
			return true;
	}
	return false;
}

static bool is_zero(const u8 *bytes, u32 len)
{
	for (u32 i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

bool net_allows(const struct net_rules *all, const struct net_rule *named, const u8 address[16],
		u16 port)
{
	u8 addr[16];

	memcpy(addr, address, sizeof(addr));
	/* The host connects to itself if the address is unspecified (ip(7)). */
	if (is_zero(addr, 10) && addr[10] == 0xff && addr[11] == 0xff && is_zero(addr + 12, 4))
		memcpy(addr + 12, (const u8[4]){127, 0, 0, 1}, 4);
	else if (is_zero(addr, 16))
		addr[15] = 1;
	if (any_matches(all, true, addr, port))
		return false;
	if (!(is_zero(addr, 15) && addr[15] == 1) && carries_denied(all, addr, port))
		return false;
	if (named && net_rule_has_port(named, port) && !link_local_of(addr))
		return true;
	return any_matches(all, false, addr, port);
}

/*
 * Brings an Internet address into the form of the rules. Returns false if it is none, or cut off.
 * An unspecified family means IPv4 to bind(2) and to sendmsg(2) on UDP.
 */
static bool read_address(const void *from, u32 len, u8 addr[16], u16 *port)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	sa_family_t family;

	if (len < sizeof(family))
		return false;
	memcpy(&family, from, sizeof(family));
	if (family == AF_INET6 && len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memset(&in6, 0, sizeof(in6));
		memcpy(&in6, from, MIN(len, (u32)sizeof(in6)));
		memcpy(addr, &in6.sin6_addr, 16);
		*port = ntohs(in6.sin6_port);
		return true;
	}
	if ((family == AF_INET || family == AF_UNSPEC) && len >= sizeof(in)) {
		memcpy(&in, from, sizeof(in));
		memcpy(addr, (const u8[16]){[10] = 0xff, [11] = 0xff}, 12);
		memcpy(addr + 12, &in.sin_addr, 4);
		*port = ntohs(in.sin_port);
		return true;
	}
	return false;
}

/* Returns the family of an address, or -1 if the address is too short to have one. */
static int family_of(const void *addr, u32 len)
{
	sa_family_t family;

	if (!addr || len < sizeof(family))
		return -1;
	memcpy(&family, addr, sizeof(family));
	return family;
}

/* Abstract names are those of the whole host's network namespace (unix(7)). */
static bool is_abstract(const void *addr, u32 len)
{
	const struct sockaddr_un *un = addr;

	return len > offsetof(struct sockaddr_un, sun_path) && un->sun_path[0] == '\0';
}

s64 net_may_make(u64 family, u64 type, u64 protocol)
{
	const u64 kind = type & 0xf; /* without SOCK_NONBLOCK and SOCK_CLOEXEC */

	if (!restricted())
		return rules && family != AF_UNIX && family != AF_INET && family != AF_INET6 &&
				       (family != AF_NETLINK || protocol != NETLINK_ROUTE)
			       ? -EACCES
			       : 0;
	switch (family) {
	case AF_UNIX:
		return 0;
	case AF_NETLINK:
		if (protocol != NETLINK_ROUTE)
			return -EACCES;
		netlink_made = true;
		return 0;
	case AF_INET:
	case AF_INET6:
		return rules->mode != NET_OFF && kind == SOCK_STREAM &&
				       (protocol == 0 || protocol == IPPROTO_TCP)
			       ? 0
			       : -EACCES;
	default:
		return -EACCES;
	}
}

s64 net_may_reach(const void *addr, u32 len, bool sends)
{
	u8 ip[16];
	u16 port;

	if (!rules || !addr || len == 0)
		return 0;
	if (!restricted())
		return family_of(addr, len) == AF_UNIX && is_abstract(addr, len) ? -EACCES : 0;
	switch (family_of(addr, len)) {
	case AF_UNIX:
		return is_abstract(addr, len) ? -EACCES : 0;
	case AF_NETLINK:
		return 0;
	case AF_UNSPEC:
		/* connect(2) with it ends a connection. */
		if (!sends)
			return 0;
		break;
	default:
		break;
	}
	if (rules->mode != NET_RULES || !read_address(addr, len, ip, &port))
		return -EACCES;
	return net_allows(rules, NULL, ip, port) ? 0 : -EACCES;
}

s64 net_may_bind(const void *addr, u32 len)
{
	u8 ip[16];
	u16 port;

	if (!rules || (!restricted() && family_of(addr, len) != AF_UNIX))
		return 0;
	switch (family_of(addr, len)) {
	case AF_UNIX:
		/* Without a name the host would choose an abstract one. */
		return len <= offsetof(struct sockaddr_un, sun_path) || is_abstract(addr, len)
			       ? -EACCES
			       : 0;
	case AF_NETLINK:
		return 0;
	default:
		break;
	}
	if (rules->mode != NET_RULES || !read_address(addr, len, ip, &port))
		return -EACCES;
	/* Port 0 is for a connection; net_may_listen sees which port the host has chosen. */
	return port == 0 || has_port(rules->listen, rules->listen_count, port) ? 0 : -EACCES;
}

s64 net_may_listen(int fd)
{
	struct sockaddr_storage name = {0};
	socklen_t len = sizeof(name);
	u8 ip[16];
	u16 port;

	if (!restricted())
		return 0;
	if (HOST_CALL(getsockname, (u64)fd, (u64)&name, (u64)&len) < 0 || name.ss_family == AF_UNIX)
		return 0;
	return rules->mode == NET_RULES && read_address(&name, len, ip, &port) &&
			       has_port(rules->listen, rules->listen_count, port)
		       ? 0
		       : -EACCES;
}

s64 net_may_set(int level, int name)
{
	if (!restricted())
		return 0;
	/* Source routes: the packets' first way is to the router that they name. */
	if (level == IPPROTO_IP && (name == IP_OPTIONS || name == IP_RETOPTS))
		return -EPERM;
	if (level == IPPROTO_IPV6 &&
	    (name == IPV6_RTHDR || name == IPV6_2292RTHDR || name == IPV6_2292PKTOPTIONS ||
	     name == IPV6_HOPOPTS || name == IPV6_DSTOPTS || name == IPV6_RTHDRDSTOPTS ||
	     name == IPV6_NEXTHOP || name == IPV6_2292DSTOPTS || name == IPV6_2292HOPOPTS))
		return -EPERM;
	return 0;
}

bool net_is_netlink(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return restricted() && netlink_made &&
	       HOST_CALL(getsockopt, (u64)fd, SOL_SOCKET, SO_DOMAIN, (u64)&domain, (u64)&len) >=
		       0 &&
	       domain == AF_NETLINK;
}

/* The messages of rtnetlink(7) come in groups of four: new, delete, get, set. */
static bool is_question(u16 type)
{
	return type < NLMSG_MIN_TYPE || (type >= RTM_BASE && (type - RTM_BASE) % 4 == 2);
}

s64 net_may_ask(const void *message, u64 len)
{
	const u8 *at = message;
	struct nlmsghdr head;

	while (len >= sizeof(head)) {
		memcpy(&head, at, sizeof(head));
		if (!is_question(head.nlmsg_type))
			return -EPERM;
		/* The host ignores what follows a length that is wrong. */
		if (head.nlmsg_len < sizeof(head) || NLMSG_ALIGN((u64)head.nlmsg_len) >= len)
			return 0;
		at += NLMSG_ALIGN(head.nlmsg_len);
		len -= NLMSG_ALIGN(head.nlmsg_len);
	}
	return 0;
}
