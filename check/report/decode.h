/* SPDX-License-Identifier: MIT */
/* Decodes the instruction at fault: which access it makes, and to which address. */
#ifndef REPORT_DECODE_H
#define REPORT_DECODE_H

#include "check/abi/check.h"
#include "check/report/input.h"

struct report_decoded {
	bool known; /* the rest is valid */
	u32 access; /* enum check_access of the operand at fault; NONE: no operand fits */
	u32 size;   /* bytes of that access; with REP, of one repetition */
	u64 start;  /* first byte of that access */
	bool rep;
	char text[128];	  /* the instruction, in Intel's syntax */
	char operand[64]; /* how the address is computed: "rax + rcx*4 + 16" */
};

/*
 * Decodes in->head.insn and finds, with .reg, the operand whose access faulted: the one that
 * contains .addr and makes the access .access. After a general protection fault the kernel has no
 * address; then it is the operand whose address is not canonical or not aligned to the operand's
 * size. If the instruction jumped to a non-canonical address, access is CHECK_ACCESS_EXEC and start
 * is that address. d->known is false without registers or instruction bytes.
 */
void report_decode(const struct report_input *in, struct report_decoded *d);

#endif
