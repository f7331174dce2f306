/* SPDX-License-Identifier: MIT */
/*
 * The registers of x86-64 as gdb knows them, and where ptrace(2) has each: one table, from which
 * the target description, the g packet and single registers are made.
 */
#ifndef GDB_REGISTERS_H
#define GDB_REGISTERS_H

#include <sys/types.h>
#include <sys/user.h>
#include "common/types.h"
#include "gdb/protocol.h"

#define XSAVE_MAX      16384
#define REGISTER_BYTES 32 /* of the widest register */

/* What a stopped thread has: PTRACE_GETREGS and PTRACE_GETREGSET. */
struct registers {
	struct user_regs_struct general;
	u8 xsave[XSAVE_MAX] __attribute__((aligned(64)));
	size_t xsave_size; /* 0: could not be read */
	bool general_changed, xsave_changed;
};

/* Looks which parts this CPU and kernel have. features: XCR0, as the XSAVE area tells it. */
void registers_init(u64 features);
/* Returns the text of target.xml, made by registers_init. */
const char *registers_description(void);
u32 registers_count(void);
/*
 * Reads register n into value. Returns its bytes, or 0 if there is no such register. The bytes are
 * in the order of memory.
 */
u32 register_get(const struct registers *r, u32 n, u8 value[REGISTER_BYTES]);
/* Returns how many bytes register n has, or 0. */
u32 register_size(u32 n);
/* Changes register n in r. Returns false if there is no such register or it cannot be written. */
bool register_set(struct registers *r, u32 n, const u8 *value);

/* Numbers that stop replies mention. */
enum { REGISTER_RBP = 6, REGISTER_RSP = 7, REGISTER_RIP = 16 };

#endif
