// SPDX-License-Identifier: MIT
/*
 * Can what a debugger sends lead the reading of its packets outside of them? The input is the bytes
 * of a connection; each packet in it is read in every way that there is, and what is made of it
 * keeps the promises of protocol.h.
 * sources: gdb/protocol.c
 */
#include <stdlib.h>
#include <string.h>
#include "gdb/protocol.h"

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static struct reply reply;

/* The packet in memory of its own size, so that a read behind it is found. */
static void read_all(const char *data, u32 len)
{
	char *text = malloc(len + 1);
	struct thread_id id;
	const char *p = text, *rest;
	struct point z;
	struct xfer x;
	u64 a, b;

	HOLDS(text);
	memcpy(text, data, len);
	len = packet_unescape(text, len);
	text[len] = '\0';
	read_thread_id(&p, &id);
	HOLDS(p <= text + len);
	if (vcont_is_valid(text))
		for (s32 tid = 0; tid < 4; tid++) {
			struct action action = vcont_action(text, 1, tid);

			HOLDS(!action.kind || strchr("csrt", action.kind));
			HOLDS(action.signal >= 0 && action.signal < 256);
		}
	if (read_point(text, &z))
		HOLDS(z.type <= 4);
	if (read_range(text, &a, &b, &rest))
		HOLDS(rest <= text + strlen(text));
	if (read_xfer(text, len, &x)) {
		HOLDS(!x.write || x.data + x.len == len);
		reply_clear(&reply);
		reply_page(&reply, &x, text, len);
		HOLDS(reply.len >= 1 && reply.len <= PACKET_MAX && !reply.full);
	}
	reply_clear(&reply);
	HOLDS(reply_binary(&reply, text, len) <= len);
	HOLDS(packet_unescape(reply.data, reply.len) <= len);
	free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct packet_reader r;

	memset(&r, 0, offsetof(struct packet_reader, data));
	for (size_t i = 0; i < size; i++)
		if (packet_feed(&r, data[i]) == PACKET_READY) {
			HOLDS(r.len <= PACKET_MAX && r.data[r.len] == '\0');
			read_all(r.data, r.len);
		}
	/* As one packet, without the sum that the fuzzer would have to guess. */
	if (size && size <= PACKET_MAX)
		read_all((const char *)data, (u32)size);
	return 0;
}
