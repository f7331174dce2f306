/* SPDX-License-Identifier: MIT */
/*
 * What clients of the proxy say first: a request of HTTP (RFC 9112) or of SOCKS5 (RFC 1928). These
 * functions read it from the bytes that have come so far, which a hostile guest chose.
 */
#ifndef VM_JAIL_PROXY_REQUEST_H
#define VM_JAIL_PROXY_REQUEST_H

#include "common/types.h"
#include "vm/jail/net.h"

#define PROXY_HEAD_MAX 8192		      /* bytes of a request */
#define PROXY_OUT_MAX  (PROXY_HEAD_MAX + 512) /* bytes of it as the server gets it */

/* Where a client wants to go. */
struct proxy_target {
	char host[NET_NAME_MAX + 1]; /* a name without a dot at its end; "" if is_address */
	bool is_address;
	u8 addr[16];
	u16 port;
};

/* A reading's result. */
enum { PROXY_MORE = 0, PROXY_BAD = -1 };

/*
 * Reads a request of HTTP. Returns PROXY_MORE, PROXY_BAD, or how many bytes it has. out is what the
 * server has to get instead of them, *out_len bytes; none for CONNECT.
 */
s32 proxy_read_http(const u8 *data, u32 len, struct proxy_target *to, u8 out[PROXY_OUT_MAX],
		    u32 *out_len);

/*
 * Reads the first message of SOCKS5, which offers ways to authenticate, and the second, which has
 * the target. Both return PROXY_MORE, PROXY_BAD or how many bytes the message has. *code is what
 * the proxy answers to it: 0 if it agrees, or the protocol's number for the error.
 */
s32 proxy_read_socks_offer(const u8 *data, u32 len, u8 *code);
s32 proxy_read_socks(const u8 *data, u32 len, struct proxy_target *to, u8 *code);

#endif
