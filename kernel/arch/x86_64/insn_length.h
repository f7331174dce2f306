/* SPDX-License-Identifier: MIT */
/*
 * The length of an instruction in 64-bit mode, and the properties that matter for moving it.
 *
 * The decoder goes by the rules of the encodings (Intel SDM 2A, 2.1 to 2.7 and appendix A; the APX
 * specification 3.1; AMD APM 3, 1.1 for XOP), not by a list of instructions: it says how long an
 * instruction is, not whether a CPU has it. Pure logic: tests/unit/insn_length_test.c compares it
 * with Zydis.
 */
#ifndef KERNEL_ARCH_X86_64_INSN_LENGTH_H
#define KERNEL_ARCH_X86_64_INSN_LENGTH_H

#include "common/types.h"

/* Longest instruction: Intel SDM 2A, 2.3.11. */
#define INSN_MAX 15

/* Where execution continues after an instruction. */
enum insn_flow {
	INSN_PLAIN,    /* at the next instruction */
	INSN_BRANCH,   /* there or at a relative target: Jcc, LOOP, JRCXZ, XBEGIN; CALL too */
	INSN_JUMP,     /* at a relative target only */
	INSN_STOP,     /* not at the next instruction: RET, an indirect JMP, UD2, HLT, INT3, IRET */
	INSN_TRANSFER, /* at the next instruction, after code elsewhere: SYSCALL, INT, CALL *x */
};

struct insn {
	u8 length;
	u8 flow;	   /* enum insn_flow */
	bool rip_relative; /* it has a memory operand that is relative to RIP */
	s32 target;	   /* INSN_BRANCH, INSN_JUMP: relative to the next instruction */
};

/* Decodes the instruction at code[0, size). Returns false if there is none or it is cut off. */
bool insn_decode(const u8 *code, u32 size, struct insn *out);

#endif
