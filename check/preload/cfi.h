/* SPDX-License-Identifier: MIT */
/*
 * Frame tables: they say, for an address in a module, how to get from the function's frame to its
 * caller's. Pure logic on memory with given bounds; it never reads outside them, whatever the
 * tables say. Tested and fuzzed on the host. Formats: DWARF 4, 6.4; Linux Standard Base Core, 10.6
 * (.eh_frame, .eh_frame_hdr).
 */
#ifndef CHECK_PRELOAD_CFI_H
#define CHECK_PRELOAD_CFI_H

#include "common/types.h"

struct cfi_tables {
	u64 low, high;		 /* the tables are in [low, high), all of it readable */
	u64 hdr, hdr_size;	 /* .eh_frame_hdr; in [low, high) or refused; 0: there is none */
	u64 frames, frames_size; /* .eh_frame, if there is no .eh_frame_hdr: slow */
};

/* A location expression inside the tables. */
struct cfi_expression {
	u64 at, end;
};

/* Where the caller's value of a register is. */
enum cfi_how {
	CFI_SAME,
	CFI_UNDEFINED,
	CFI_OFFSET,	/* in memory at CFA + offset */
	CFI_VAL_OFFSET, /* it is CFA + offset */
	CFI_EXPRESSION, /* in memory at the expression's value */
	CFI_VAL_EXPRESSION,
	CFI_UNKNOWN, /* in a register that is not followed here */
};

struct cfi_rule {
	u32 how; /* enum cfi_how */
	s64 offset;
	struct cfi_expression expression;
};

/* DWARF's numbers of those registers that are followed (System V ABI, figure 3.36). */
enum { CFI_RBP = 6, CFI_RSP = 7, CFI_RIP = 16 };

/* The frame at one address. The canonical frame address is RSP in the caller after the return. */
struct cfi_frame {
	u32 cfa_register;	   /* CFI_RSP, CFI_RBP or one that is not followed */
	s64 cfa_offset;		   /* CFA = register + offset, ... */
	struct cfi_expression cfa; /* ... or, when not empty, this expression's value */
	struct cfi_rule rbp, ra;   /* ra CFI_UNDEFINED: there is no caller */
	bool signal; /* a signal handler's: the caller was interrupted, made no call */
};

struct cfi_registers {
	u64 rip, rsp, rbp;
};

/* Finds the frame of the instruction at pc. Returns false if no valid entry describes it. */
bool cfi_find(const struct cfi_tables *tables, u64 pc, struct cfi_frame *frame);

/*
 * Turns the registers in a frame into those in its caller, by the rules. Returns false if a value
 * that the rules need is unknown or cannot be read. The caller's RSP is the CFA. Memory other than
 * the tables is read by peek() (peek.h), which may refuse.
 */
bool cfi_apply(const struct cfi_frame *frame, struct cfi_registers *r);

#endif
