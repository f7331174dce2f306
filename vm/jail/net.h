/* SPDX-License-Identifier: MIT */
/*
 * Which addresses a sandbox may connect to and listen on. The monitor asks before each host call
 * that names an address, with its own copy of the address. Without rules (net_enforce was not
 * called) everything is allowed, which is the plain `buffervm PROGRAM`.
 *
 * Addresses are compared as IPv6 ones; IPv4 is ::ffff:a.b.c.d. So an IPv4 address and its mapped
 * form are the same to every rule.
 */
#ifndef VM_JAIL_NET_H
#define VM_JAIL_NET_H

#include <sys/socket.h>
#include "common/types.h"

enum net_mode {
	NET_OFF,   /* no Internet sockets */
	NET_RULES, /* TCP only, where a rule allows it */
	NET_PROXY, /* the rules are the proxy's: the monitor itself has no Internet sockets */
	NET_HOST   /* everything that a user may */
};

/* Returns true if the monitor itself makes connections in the host's network. */
static inline bool net_is_hosts(enum net_mode mode)
{
	return mode == NET_RULES || mode == NET_HOST;
}

#define NET_NAME_MAX 253 /* RFC 1035 */
#define NET_ANSWERS  64	 /* most addresses that are kept of one name */
#define NET_FOREVER  UINT64_MAX

struct net_prefix {
	u8 addr[16];
	u8 bits;
	bool literal; /* written by the user, not the answer of a name server */
};

/* What a name means at present. Times are CLOCK_MONOTONIC's, in nanoseconds. */
struct net_answers {
	u32 count;
	struct net_answer {
		u8 addr[16];
		u64 until; /* open until then */
	} answer[NET_ANSWERS];
	u64 fresh; /* the answers are passed on until then; later they are looked up again */
	bool none; /* the last lookup had no answer */
};

struct net_ports {
	u16 first, last;
};

struct net_rule {
	bool deny;
	const char *text;	   /* as the user wrote it */
	char *host;		   /* a name; NULL: none */
	struct net_answers *names; /* of an allowed host: net_open changes it; else NULL */
	struct net_prefix *prefix; /* where to; any of them */
	u32 prefixes;
	struct net_ports *ports; /* none: every port */
	u32 port_count;
};

struct net_rules {
	enum net_mode mode;
	struct net_rule *rule;
	u32 count;
	struct net_ports *listen;
	u32 listen_count;
};

/*
 * Adds a rule for HOST[:PORT[-PORT][,...]], a network (10.0.0.0/8, [fd00::]/8) or :PORT. text stays
 * the caller's and is kept. Returns NULL, or what is wrong with the text. Deny rules win.
 */
const char *net_add_rule(struct net_rules *rules, bool deny, const char *text);
/* Allows listening on PORT or LOW-HIGH. Returns NULL, or what is wrong with the text. */
const char *net_add_listen(struct net_rules *rules, const char *text);

/* Reads an address, or a network with /BITS, of len characters. Returns false if it is none. */
bool net_read_prefix(const char *text, size_t len, struct net_prefix *prefix);
/* Adds a network to a rule. Returns false if memory is exhausted. */
bool net_add_prefix(struct net_rule *rule, const struct net_prefix *prefix);

/*
 * Opens the addresses of an allowed name for ttl seconds, and some more for programs that have just
 * got the answer; NET_TTL_FOREVER: as long as the sandbox lasts. Addresses that were opened before
 * stay open for their own time. count 0: there is no answer, which is remembered for ttl seconds.
 */
#define NET_TTL_FOREVER UINT32_MAX
void net_open(const struct net_rule *rule, const u8 addr[][16], u32 count, u32 ttl);
/*
 * Copies what net_open last said of a name, if it is still fresh. Returns false if it is not, and
 * otherwise how many addresses there are, and for how many seconds they hold.
 */
bool net_fresh(const struct net_rule *rule, u8 addr[NET_ANSWERS][16], u32 *count, u32 *ttl);

/* Applies the rules from now on. They are kept; only net_open changes them. */
void net_enforce(const struct net_rules *rules);
/* The rules in force, or NULL. */
const struct net_rules *net_enforced(void);
/*
 * Returns true if the rules allow TCP to this address, in the form that struct net_prefix has.
 * named: the rule by whose name somebody else looked the address up, which counts as opened; NULL:
 * none.
 */
bool net_allows(const struct net_rules *rules, const struct net_rule *named, const u8 addr[16],
		u16 port);
/* Returns true if a rule is about this port. */
bool net_rule_has_port(const struct net_rule *rule, u16 port);

/*
 * Each returns 0 if the rules allow it, or -EACCES; for a kind of socket that no program of this
 * sandbox has, -EAFNOSUPPORT or -EPERM.
 */
s64 net_may_make(u64 family, u64 type, u64 protocol);
/* connect(2), and sendmsg(2) with an address (sends). An empty address is allowed. */
s64 net_may_reach(const void *addr, u32 len, bool sends);
s64 net_may_bind(const void *addr, u32 len);
/* listen(2) on an open socket: its port counts, also one that the host chose. */
s64 net_may_listen(int fd);
/* Options and control messages that send packets elsewhere than to the address that was checked. */
s64 net_may_set(int level, int name);
/* What is sent on a netlink socket: questions about routes only. Returns a copy's verdict. */
s64 net_may_ask(const void *message, u64 len);
/* Returns true if rules are in force and fd is a netlink socket. */
bool net_is_netlink(int fd);

#endif
