/* SPDX-License-Identifier: MIT */
/* The instruction at fault: what it does to which address. */
#ifndef REPORT_DECODE_H
#define REPORT_DECODE_H

#include "check/abi/check.h"
#include "check/report/input.h"

struct report_decoded {
	bool known; /* the rest is valid */
	u32 access; /* enum check_access of the operand at fault; NONE: no operand fits */
	u32 size;   /* bytes of that access; for REP of one repetition */
	u64 start;  /* its first byte */
	bool rep;
	char text[128];	  /* the instruction, in Intel's syntax */
	char operand[64]; /* how the address is made: "rax + rcx*4 + 16" */
};

/*
 * Decodes in->head.insn and finds, with .reg, the operand that touches .addr in the way of .access;
 * or, where the kernel had no address (a general protection fault), the one that has no canonical
 * address, or is not aligned to its size; or where it jumped to no canonical address: access is
 * CHECK_ACCESS_EXEC then. Not known without registers or bytes.
 */
void report_decode(const struct report_input *in, struct report_decoded *d);

#endif
