// SPDX-License-Identifier: MIT
/* See dns.h. The C library's resolver reads the name. */
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <string.h>
#undef MIN /* sys/param.h, by nameser.h */
#undef MAX
#include "vm/jail/dns.h"

#define HEADER	  12 /* bytes */
#define FLAGS	  2  /* where the flags are: two bytes */
#define COUNTS	  4  /* where the four counts of records are */
#define RESPONSE  0x80
#define OPCODE	  0x78
#define WANTED	  0x01 /* recursion desired, which the answer repeats */
#define AVAILABLE 0x80 /* recursion available, in the second byte */
#define RECORD	  12   /* bytes of a record before its data, with a pointer as name */

int dns_read_question(const u8 *message, size_t len, struct dns_question *q)
{
	const u8 *end = message + len;
	int name_len;

	q->end = HEADER;
	if (len < HEADER || len > INT32_MAX || message[FLAGS] & RESPONSE)
		return -EINVAL;
	if (message[FLAGS] & OPCODE)
		return ns_r_notimpl;
	if (ns_get16(message + COUNTS) != 1)
		return ns_r_formerr;
	/* A pointer to elsewhere in the message makes no sense in its first name. */
	name_len = dn_skipname(message + HEADER, end);
	if (name_len < 1 || (size_t)name_len + HEADER + 4 > len || message[HEADER + name_len - 1])
		return ns_r_formerr;
	if (dn_expand(message, end, message + HEADER, q->name, sizeof(q->name)) != name_len) {
		q->name[0] = '\0'; /* a part of it may be there, without an end */
		return ns_r_formerr;
	}
	q->type = (u16)ns_get16(message + HEADER + name_len);
	q->end = HEADER + (u32)name_len + 4;
	return ns_get16(message + q->end - 2) == ns_c_in ? ns_r_noerror : ns_r_refused;
}

size_t dns_write_answer(u8 to[DNS_MESSAGE_MAX], const u8 *message, const struct dns_question *q,
			int code, const u8 addr[][16], u32 count, u32 ttl)
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	u32 at = q->end, records = 0;

	memcpy(to, message, at);
	to[FLAGS] = (u8)(RESPONSE | (message[FLAGS] & (OPCODE | WANTED)));
	to[FLAGS + 1] = (u8)(AVAILABLE | code);
	memset(to + COUNTS, 0, 8);
	to[COUNTS + 1] = q->end > HEADER;
	for (u32 i = 0; i < count; i++) {
		bool is_ipv4 = memcmp(addr[i], mapped, sizeof(mapped)) == 0;
		u16 size = is_ipv4 ? 4 : 16;

		if (q->type != (is_ipv4 ? ns_t_a : ns_t_aaaa))
			continue;
		if (at + RECORD + size > DNS_MESSAGE_MAX)
			break;
		ns_put16(0xc000 | HEADER, to + at); /* the question's name */
		ns_put16(q->type, to + at + 2);
		ns_put16(ns_c_in, to + at + 4);
		ns_put32(ttl, to + at + 6);
		ns_put16(size, to + at + 10);
		memcpy(to + at + RECORD, addr[i] + 16 - size, size);
		at += RECORD + size;
		records++;
	}
	ns_put16(records, to + COUNTS + 2);
	return at;
}
