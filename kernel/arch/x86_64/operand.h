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

#endif
