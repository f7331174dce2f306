/* SPDX-License-Identifier: MIT */
/*
 * Services that only the sandbox has, at an address of its own: a name server that knows the
 * allowed names, or, with --proxy, a proxy (proxy.h).
 *
 * A program reaches them by Internet sockets, as it expects. The host has none of these sockets:
 * each is one end of a pair of unix sockets. The other end of a conversation with the name server
 * belongs to a thread of the monitor, that of a connection to the proxy to the proxy's process. So
 * no other process of the host can reach a service, and the monitor needs no socket of UDP.
 *
 * Sockets of TCP are the host's until they are connected; connect(2) to a service puts the end of a
 * pair in their place.
 */
#ifndef VM_JAIL_INSIDE_H
#define VM_JAIL_INSIDE_H

#include "vm/hostcall.h"
#include "vm/jail/net.h"

#define INSIDE_ADDRESS	   "127.0.53.1"
#define INSIDE_NAME_SERVER 53
#define INSIDE_PROXY_SOCKS 1080
#define INSIDE_PROXY_HTTP  3128

/*
 * Says which services there are: the channels of lookup.h and proxy.h, or -1. Called before the
 * sandbox runs, while there is one thread.
 */
void inside_serve(const struct net_rules *for_names, int lookups, int proxy);

/*
 * Each of these returns false if the socket, or what shall be made, is nothing of this file's, and
 * the host makes the call; else *ret is the call's result.
 */
bool inside_socket(struct call *c, u64 family, u64 type, u64 protocol, s64 *ret);
bool inside_connect(struct call *c, int file, const void *addr, u32 len, s64 *ret);
bool inside_bind(int file, const void *addr, u32 len, s64 *ret);
/* *ret 0: the data may be sent, without an address. */
bool inside_may_send(int file, const void *addr, u32 len, s64 *ret);
/* The address that a message came from, or that a socket or its peer has. */
bool inside_source(int file, void *addr, u32 *len);
bool inside_name(int file, bool peer, void *addr, u32 *len, s64 *ret);
/* Options that a pair of unix sockets does not have: they are remembered by nobody. */
bool inside_set_option(int file, u64 level, u64 name, s64 *ret);
bool inside_get_option(int file, u64 level, u64 name, void *value, u32 len, s64 *ret);

/* Hands each target that the proxy has refused since the last call to told, as text. */
void inside_each_refused(void (*told)(const char *target));

#endif
