/* SPDX-License-Identifier: MIT */
/*
 * Looks up the names in the rules for the network (net.h), before the program starts and while it
 * runs.
 *
 * While it runs, a process of its own does that, which is started before the walls are raised and
 * has none of the sandbox's files. It is asked by the number of a rule, never by a name: a monitor
 * that a guest has taken over can make it look up the allowed names, and nothing else.
 */
#ifndef VM_JAIL_LOOKUP_H
#define VM_JAIL_LOOKUP_H

#include "vm/jail/net.h"

/* The answer about one name. It crosses a socket, whose reader checks rule and count. */
struct lookup_answer {
	u32 rule;  /* its number */
	u32 ttl;   /* seconds for which the answer holds; NET_TTL_FOREVER: for the whole run */
	u32 count; /* addresses; 0: the name has none, or could not be looked up */
	u8 addr[NET_ANSWERS][16];
};

/*
 * Looks up all names: an allowed name's addresses are opened, a denied name's are added to its rule
 * for good. Called before the walls are raised, since it starts programs. Returns 0, or EXIT_HOST
 * after a message if a name has no address.
 *
 * Addresses of this host and link-local ones are left out, except for the name localhost: who
 * controls the name server of an allowed name must not reach what only this host can.
 */
int lookup_all(struct net_rules *rules);

/*
 * Starts the process, if a rule allows a name. *channel becomes its socket, or -1. The process ends
 * when the socket is closed. Returns 0, or EXIT_HOST after a message.
 */
int lookup_start(const struct net_rules *rules, int *channel);

/*
 * Asks the process about a rule, without waiting for the answer. Returns false if it is gone.
 * lookup_read waits for the next answer; to->rule says which rule it is. One thread at a time.
 */
bool lookup_ask(int channel, u32 rule);
bool lookup_read(int channel, const struct net_rules *rules, struct lookup_answer *to);
/* Opens the addresses of an answer, for all rules that have the name. */
void lookup_open(const struct net_rules *rules, const struct lookup_answer *answer);

/* Returns the number of the first allowed rule with this name, in any case; -1: there is none. */
s64 lookup_rule(const struct net_rules *rules, const char *name);

#endif
