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
	NET_HOST   /* everything that a user may */
};

struct net_prefix {
	u8 addr[16];
	u8 bits;
	bool literal; /* written by the user, not the answer of a name server */
};

struct net_ports {
	u16 first, last;
};

struct net_rule {
	bool deny;
	const char *text;	   /* as the user wrote it */
	char *host;		   /* a name that net_resolve looks up; NULL: none */
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

/*
 * Looks up the names in the rules. Addresses of this host and link-local ones are left out, except
 * for the name localhost: who controls the name server of an allowed name must not reach what only
 * this host can. Called before the walls are raised, since it starts programs. Returns 0, or
 * EXIT_HOST after a message if a name has no address.
 */
int net_resolve(struct net_rules *rules);

/*
 * Prints the allowed names and their addresses in the form of /etc/hosts. Called after net_resolve.
 * Returns a memory file, or -errno.
 */
int net_hosts_file(const struct net_rules *rules);

/* Applies the rules from now on. They do not change any more and are kept. */
void net_enforce(const struct net_rules *rules);

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
