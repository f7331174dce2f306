/* SPDX-License-Identifier: MIT */
/* What the memory operand of an instruction of the program's says about an exception. */
#ifndef KERNEL_ARCH_X86_64_OPERAND_H
#define KERNEL_ARCH_X86_64_OPERAND_H

#include "common/types.h"
#include "kernel/arch/x86_64/insn_length.h"

/*
 * Does the vector instruction in insn[0, len), which is at rip, have a memory operand whose address
 * is not canonical? gpr: the 16 general registers by their numbers in the encoding. False for what
 * is no vector instruction, and where the address needs more than these: segments, gathers.
 */
bool operand_is_not_canonical(const u8 *insn, u32 len, u64 rip, const u64 gpr[16]);

/* What operand_stores found out. */
enum operand_store {
	OPERAND_NONE,	 /* no store into memory */
	OPERAND_AT,	 /* at most one, from this address on */
	OPERAND_UNKNOWN, /* the stack, strings, segments, or an instruction that is not known */
};
/*
 * Where the instruction may store; arguments as above, addr: OUT. A load may pass for a store,
 * never the other way round.
 */
enum operand_store operand_stores(const u8 *insn, u32 len, u64 rip, const u64 gpr[16], u64 *addr);

#endif
