// SPDX-License-Identifier: MIT
/*
 * Can what a guest says to the sandbox's name server or to its proxy harm them? The first byte
 * chooses who reads the rest. What is read must keep the promises of dns.h and proxy_request.h.
 * sources: vm/jail/dns.c vm/jail/proxy_request.c vm/jail/net_rules.c
 * libraries: resolv
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#undef MIN /* sys/param.h, by nameser.h */
#undef MAX
#include "vm/jail/dns.h"
#include "vm/jail/proxy_request.h"

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void name_server(const u8 *data, size_t size)
{
	u8 addr[NET_ANSWERS][16] = {{0}}, to[DNS_MESSAGE_MAX];
	struct dns_question q = {{0}, 0, 0};
	ns_msg message;
	size_t len;
	int code;

	size = MIN(size, (size_t)DNS_MESSAGE_MAX);
	code = dns_read_question(data, size, &q);
	if (code < 0)
		return;
	HOLDS(code < 16 && q.end <= size && memchr(q.name, '\0', sizeof(q.name)));
	for (u32 i = 0; i < NET_ANSWERS; i += 2)
		addr[i][10] = addr[i][11] = 0xff;
	len = dns_write_answer(to, data, &q, code, (const u8(*)[16])addr, code ? 0 : NET_ANSWERS,
			       60);
	HOLDS(len >= 12 && len <= sizeof(to));
	HOLDS(ns_initparse(to, (int)len, &message) == 0);
	HOLDS(ns_msg_getflag(message, ns_f_qr) && ns_msg_getflag(message, ns_f_rcode) == code);
}

static void check_target(const struct proxy_target *t)
{
	HOLDS(memchr(t->host, '\0', sizeof(t->host)));
	HOLDS(t->is_address == !t->host[0]);
}

static void http(const u8 *data, u32 size)
{
	static u8 out[PROXY_OUT_MAX];
	struct proxy_target t;
	u32 out_len;
	s32 n = proxy_read_http(data, size, &t, out, &out_len);

	HOLDS(n >= PROXY_BAD && n <= (s32)MIN(size, (u32)PROXY_HEAD_MAX));
	if (n <= 0)
		return;
	check_target(&t);
	HOLDS(t.port != 0 && out_len <= sizeof(out));
	/* One head, and nothing of another behind it. */
	if (out_len)
		HOLDS(memmem(out, out_len, "\r\n\r\n", 4) == out + out_len - 4);
	HOLDS(proxy_read_http(data, (u32)n - 1, &t, out, &out_len) == PROXY_MORE);
}

static void socks(const u8 *data, u32 size)
{
	struct proxy_target t;
	u8 code;
	s32 n = proxy_read_socks_offer(data, size, &code);

	HOLDS(n >= PROXY_BAD && n <= (s32)size);
	n = proxy_read_socks(data, size, &t, &code);
	HOLDS(n >= PROXY_BAD && n <= (s32)size);
	if (n > 0 && code == 0)
		check_target(&t);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 *copy;

	if (size == 0)
		return 0;
	/* A copy of its own size, so that a read beyond it is found. */
	copy = malloc(size - 1 ? size - 1 : 1);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 3 == 0)
		name_server(copy, size - 1);
	else if (data[0] % 3 == 1)
		http(copy, (u32)size - 1);
	else
		socks(copy, (u32)size - 1);
	free(copy);
	return 0;
}
