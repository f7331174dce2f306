/* SPDX-License-Identifier: MIT */
/* Questions to a name server and answers to them (RFC 1035), as the sandbox's own server has them.
 */
#ifndef VM_JAIL_DNS_H
#define VM_JAIL_DNS_H

#include <stddef.h>
#include "common/types.h"
#include "vm/jail/net.h"

#define DNS_MESSAGE_MAX 512 /* RFC 1035: without an agreement on more */

struct dns_question {
	char name[NET_NAME_MAX + 1]; /* without the dot at its end */
	u16 type;		     /* ns_t_a */
	u32 end;		     /* the question's end in the message */
};

/*
 * Reads a question, which anybody may have made up. Returns -EINVAL if it deserves no answer,
 * because it is too short or no question; else the code (ns_r_noerror, ns_r_formerr ...) to answer
 * with. q is filled for ns_r_noerror.
 */
int dns_read_question(const u8 *message, size_t len, struct dns_question *q);

/*
 * Writes the answer to a message that dns_read_question has read: a code, and the addresses of the
 * kind that was asked for, as many as fit. Returns the answer's size.
 */
size_t dns_write_answer(u8 to[DNS_MESSAGE_MAX], const u8 *message, const struct dns_question *q,
			int code, const u8 addr[][16], u32 count, u32 ttl);

#endif
