/* SPDX-License-Identifier: MIT */
/*
 * --proxy: programs reach allowed hosts by name, through a proxy of HTTP and SOCKS5, and by nothing
 * else. An address that several hosts share opens the one that was allowed, as far as the program
 * says whom it means: the proxy makes the connection for a name and looks into none.
 *
 * The proxy is a process of its own, started before the walls are raised: it has connections, and
 * the monitor has none. Landlock leaves it no files and only the ports of the rules, seccomp only
 * the calls that carry data. The guest's end of each connection comes by its socket (inside.h). It
 * ends with the monitor.
 */
#ifndef VM_JAIL_PROXY_H
#define VM_JAIL_PROXY_H

#include "vm/jail/landlock.h"
#include "vm/jail/net.h"

/*
 * Starts the proxy, which takes the channel of lookup.h over (-1: no rule has a name). walls has
 * the ports of the rules, and no paths. *channel becomes its socket. Returns 0, or EXIT_HOST after
 * a message.
 */
int proxy_start(const struct net_rules *rules, const struct landlock_rules *walls, int lookups,
		int *channel);

/* The proxy's messages are targets that no rule allows, as text without a NUL, of at most this. */
#define PROXY_DENIED_MAX (NET_NAME_MAX + 8)

#endif
