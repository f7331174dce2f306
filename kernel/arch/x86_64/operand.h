/* SPDX-License-Identifier: MIT */
/* Memory operands of a program's instructions, decoded to find out about an exception. */
#ifndef KERNEL_ARCH_X86_64_OPERAND_H
#define KERNEL_ARCH_X86_64_OPERAND_H

#include "common/types.h"
#include "kernel/arch/x86_64/insn_length.h"

/*
 * Returns whether the vector instruction in insn[0, len), which is at rip, has a memory operand
 * whose address is not canonical. gpr: the 16 general registers by their numbers in the encoding.
 * Returns false for other instructions, and if gpr does not suffice for the address (segments,
 * gathers).
 */
bool operand_is_not_canonical(const u8 *insn, u32 len, u64 rip, const u64 gpr[16]);

/* Result of operand_stores. */
enum operand_store {
	OPERAND_NONE,	 /* the instruction stores nothing */
	OPERAND_AT,	 /* it makes at most one store, from *addr on */
	OPERAND_UNKNOWN, /* not known: strings, segments, and instructions not in the tables */
};
/*
 * Finds out where the instruction may store. Arguments as above; addr: OUT. The result can be
 * OPERAND_AT for a load, but never OPERAND_NONE for a store.
 */
enum operand_store operand_stores(const u8 *insn, u32 len, u64 rip, const u64 gpr[16], u64 *addr);

#endif
