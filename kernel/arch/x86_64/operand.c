// SPDX-License-Identifier: MIT
/*
 * See operand.h. A KVM host without hardware under it looks at a general protection fault itself,
 * by emulating the instruction; vector instructions its emulator does not know, and the guest gets
 * an invalid opcode. Programs would see SIGILL where Linux has SIGSEGV for a wild pointer in
 * strlen(3). Encodings: Intel SDM 2A, chapter 2.
 */
#include "kernel/arch/x86_64/operand.h"

#define VEX2 0xc5
#define VEX3 0xc4
#define EVEX 0x62

struct vector_insn {
	const u8 *byte;
	u32 len, at;
	u8 x, b; /* upper bits of register numbers */
};

static bool next(struct vector_insn *i, u8 *byte)
{
	if (i->at >= i->len)
		return false;
	*byte = i->byte[i->at++];
	return true;
}

static bool is_legacy_prefix(u8 byte)
{
	return byte == 0x66 || byte == 0xf2 || byte == 0xf3;
}

/* 0F XX with XX of SSE's instructions on memory. */
static bool is_sse(u8 opcode)
{
	return (opcode >= 0x10 && opcode <= 0x17) || (opcode >= 0x28 && opcode <= 0x2f) ||
	       (opcode >= 0x50 && opcode <= 0x7f && opcode != 0x77) || opcode == 0xc2 ||
	       (opcode >= 0xc4 && opcode <= 0xc6) || (opcode >= 0xd0 && opcode <= 0xfe);
}

/* Many addresses, by a vector register: gathers, scatters, and prefetches of these. */
static bool is_gather(u8 opcode)
{
	return (opcode >= 0x90 && opcode <= 0x93) || (opcode >= 0xa0 && opcode <= 0xa3) ||
	       opcode == 0xc6 || opcode == 0xc7;
}

/* Up to the ModRM byte. immediate: bytes behind the operand. False: no vector instruction. */
static bool read_opcode(struct vector_insn *i, u32 *immediate)
{
	u8 byte, opcode, map = 1;

	*immediate = 0;
	do
		if (!next(i, &byte))
			return false;
	while (is_legacy_prefix(byte));
	if (byte == VEX2 || byte == VEX3 || byte == EVEX) {
		u32 more = byte == VEX2 ? 1 : byte == VEX3 ? 2 : 3;
		u8 payload = 0;

		for (u32 k = 0; k < more; k++) {
			if (!next(i, &byte))
				return false;
			payload = k ? payload : byte;
		}
		/* R, X and B are inverted; the short form has neither X nor B. */
		if (more > 1) {
			i->x = payload & 0x40 ? 0 : 8;
			i->b = payload & 0x20 ? 0 : 8;
			map = payload & (more == 3 ? 0x07 : 0x1f);
		}
		if (!next(i, &opcode) || (map == 2 && is_gather(opcode)))
			return false;
	} else {
		if ((byte & 0xf0) == 0x40) {
			i->x = byte & 2 ? 8 : 0;
			i->b = byte & 1 ? 8 : 0;
			if (!next(i, &byte))
				return false;
		}
		if (byte != 0x0f || !next(i, &opcode))
			return false;
		if (opcode == 0x38 || opcode == 0x3a) {
			map = opcode == 0x38 ? 2 : 3;
			if (!next(i, &opcode))
				return false;
		} else if (!is_sse(opcode)) {
			return false;
		}
	}
	*immediate =
		map == 3 || (map == 1 && ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
					  (opcode >= 0xc4 && opcode <= 0xc6)))
			? 1
			: 0;
	return true;
}

static bool read_displacement(struct vector_insn *i, u32 bytes, u64 *addr)
{
	u32 value = 0, unused = 32 - 8 * bytes;
	u8 byte;

	for (u32 k = 0; k < bytes; k++) {
		if (!next(i, &byte))
			return false;
		value |= (u32)byte << 8 * k;
	}
	if (bytes)
		*addr += (u64)(s64)((s32)(value << unused) >> unused);
	return true;
}

/* EVEX multiplies a short displacement by up to 64: too little to matter here. */
static bool read_address(struct vector_insn *i, u64 rip, const u64 gpr[16], u64 *addr)
{
	u32 immediate, mod, rm, bytes;
	u8 modrm, sib;

	if (!read_opcode(i, &immediate) || !next(i, &modrm))
		return false;
	mod = modrm >> 6;
	rm = modrm & 7;
	bytes = mod == 1 ? 1 : mod == 2 ? 4 : 0;
	*addr = 0;
	if (mod == 3)
		return false;
	if (mod == 0 && rm == 5) {
		if (!read_displacement(i, 4, addr))
			return false;
		*addr += rip + i->at + immediate;
		return true;
	}
	if (rm == 4) {
		u32 index;

		if (!next(i, &sib))
			return false;
		index = (sib >> 3 & 7) | i->x;
		if (index != 4)
			*addr += gpr[index] << (sib >> 6);
		if (mod == 0 && (sib & 7) == 5)
			bytes = 4;
		else
			*addr += gpr[(sib & 7) | i->b];
	} else {
		*addr += gpr[rm | i->b];
	}
	return read_displacement(i, bytes, addr);
}

bool operand_is_not_canonical(const u8 *insn, u32 len, u64 rip, const u64 gpr[16])
{
	struct vector_insn i = {.byte = insn, .len = len};
	u64 addr;

	return read_address(&i, rip, gpr, &addr) && (u64)((s64)addr << 16 >> 16) != addr;
}
