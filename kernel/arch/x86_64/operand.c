// SPDX-License-Identifier: MIT
/*
 * See operand.h. A KVM without hardware virtualization handles a general protection fault by
 * emulating the instruction. Its emulator does not know most vector instructions, and then gives
 * the guest an invalid opcode. So a wild pointer in strlen(3) would be SIGILL, which is SIGSEGV on
 * Linux. Encodings: Intel SDM 2A, chapter 2.
 */
#include "kernel/arch/x86_64/operand.h"

#define VEX2	0xc5
#define VEX3	0xc4
#define EVEX	0x62

#define GPR_RSP 4

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

/* Opcodes after 0F of SSE instructions with a memory operand. */
static bool is_sse(u8 opcode)
{
	return (opcode >= 0x10 && opcode <= 0x17) || (opcode >= 0x28 && opcode <= 0x2f) ||
	       (opcode >= 0x50 && opcode <= 0x7f && opcode != 0x77) || opcode == 0xc2 ||
	       (opcode >= 0xc4 && opcode <= 0xc6) || (opcode >= 0xd0 && opcode <= 0xfe);
}

/* Instructions with many addresses, from a vector register: gathers, scatters, prefetches. */
static bool is_gather(u8 opcode)
{
	return (opcode >= 0x90 && opcode <= 0x93) || (opcode >= 0xa0 && opcode <= 0xa3) ||
	       opcode == 0xc6 || opcode == 0xc7;
}

/*
 * Reads up to the ModRM byte. immediate: OUT, bytes behind the operand. Returns false if this is no
 * vector instruction.
 */
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

/*
 * Computes the address from the ModRM byte on. immediate: bytes behind the operand. Returns false
 * if the operand is a register. Ignores that EVEX multiplies a short displacement by up to 64: the
 * difference is too small to matter for whether an address is canonical.
 */
static bool read_address(struct vector_insn *i, u32 immediate, u64 rip, const u64 gpr[16],
			 u64 *addr)
{
	u32 mod, rm, bytes;
	u8 modrm, sib;

	if (!next(i, &modrm))
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
	u32 immediate;
	u64 addr;

	return read_opcode(&i, &immediate) && read_address(&i, immediate, rip, gpr, &addr) &&
	       (u64)((s64)addr << 16 >> 16) != addr;
}

/* Integer instructions that store into their ModRM operand. immediate: OUT, bytes behind it. */
static bool stores(u8 opcode, bool two_bytes, bool word, u32 *immediate)
{
	*immediate = 0;
	if (two_bytes) {
		if (opcode == 0xa4 || opcode == 0xac || opcode == 0xba)
			*immediate = 1;
		/* SETcc, shifts and bits, XADD, CMPXCHG, MOVNTI. */
		return (opcode & 0xf0) == 0x90 || opcode == 0xa4 || opcode == 0xa5 ||
		       opcode == 0xab || opcode == 0xac || opcode == 0xad || opcode == 0xb3 ||
		       opcode == 0xba || opcode == 0xbb || opcode == 0xb0 || opcode == 0xb1 ||
		       opcode == 0xc0 || opcode == 0xc1 || opcode == 0xc3 || opcode == 0xc7;
	}
	if (opcode < 0x40)
		return (opcode & 6) == 0; /* ADD and similar, with the operand as destination */
	switch (opcode) {
	case 0x80:
	case 0x83:
	case 0xc0:
	case 0xc1:
	case 0xc6:
		*immediate = 1;
		return true;
	case 0x81:
	case 0xc7:
		*immediate = word ? 2 : 4;
		return true;
	case 0x86:
	case 0x87:
	case 0x88:
	case 0x89:
	case 0x8c:
	case 0x8f:
		return true;
	case 0xf6:
	case 0xf7:
	case 0xfe:
		return true;
	default:
		return opcode >= 0xd0 && opcode <= 0xdf && opcode != 0xd4 && opcode != 0xd5;
	}
}

/* Common instructions that store nothing. SYSCALL is among them: the kernel stores for the call. */
static bool is_quiet(u8 opcode, bool two_bytes)
{
	if (two_bytes)
		return opcode == 0x05 || opcode == 0x1e || opcode == 0x1f || opcode == 0x31 ||
		       (opcode & 0xf0) == 0x40 || (opcode & 0xf0) == 0x80 || opcode == 0xa2 ||
		       opcode == 0xa3 || opcode == 0xaf || opcode == 0xb6 || opcode == 0xb7 ||
		       opcode == 0xbe || opcode == 0xbf;
	if (opcode < 0x40) /* ADD and similar, with a register as destination */
		return (opcode & 6) != 0 && (opcode & 7) < 6;
	return (opcode & 0xf8) == 0x58 || opcode == 0x63 || opcode == 0x69 || opcode == 0x6b ||
	       (opcode & 0xf0) == 0x70 || opcode == 0x84 || opcode == 0x85 || opcode == 0x8a ||
	       opcode == 0x8b || opcode == 0x8d || (opcode >= 0x90 && opcode <= 0x99) ||
	       opcode == 0xa8 || opcode == 0xa9 || (opcode & 0xf0) == 0xb0 || opcode == 0xc2 ||
	       opcode == 0xc3 || opcode == 0xc9 || opcode == 0xe9 || opcode == 0xeb;
}

static bool is_push(u8 opcode)
{
	return (opcode & 0xf8) == 0x50 || opcode == 0x68 || opcode == 0x6a || opcode == 0xe8;
}

enum operand_store operand_stores(const u8 *insn, u32 len, u64 rip, const u64 gpr[16], u64 *addr)
{
	struct vector_insn vector = {.byte = insn, .len = len}, i = vector;
	bool word = false;
	u32 immediate;
	u8 byte;

	if (len && insn[0] == EVEX) /* read_address does not multiply its short displacement */
		return OPERAND_UNKNOWN;
	if (read_opcode(&vector, &immediate))
		return read_address(&vector, immediate, rip, gpr, addr) ? OPERAND_AT : OPERAND_NONE;
	do {
		if (!next(&i, &byte))
			return OPERAND_UNKNOWN;
		word |= byte == 0x66;
		/* With FS or GS (thread-local storage), a segment base is added to the address. */
		if (byte == 0x64 || byte == 0x65)
			return OPERAND_UNKNOWN;
	} while (is_legacy_prefix(byte) || byte == 0xf0);
	if ((byte & 0xf0) == 0x40) {
		i.x = byte & 2 ? 8 : 0;
		i.b = byte & 1 ? 8 : 0;
		if (!next(&i, &byte))
			return OPERAND_UNKNOWN;
	}
	if (byte == 0x0f) {
		if (!next(&i, &byte))
			return OPERAND_UNKNOWN;
		if (is_quiet(byte, true))
			return OPERAND_NONE;
		if (!stores(byte, true, word, &immediate))
			return OPERAND_UNKNOWN;
		return read_address(&i, immediate, rip, gpr, addr) ? OPERAND_AT : OPERAND_NONE;
	}
	if (is_quiet(byte, false))
		return OPERAND_NONE;
	/* INC and DEC; the others are jumps, calls and a PUSH of memory. */
	if (byte == 0xff && i.at < len && (insn[i.at] >> 3 & 7) <= 1)
		return read_address(&i, 0, rip, gpr, addr) ? OPERAND_AT : OPERAND_NONE;
	if (is_push(byte)) {
		*addr = gpr[GPR_RSP] - sizeof(u64);
		return OPERAND_AT;
	}
	if (!stores(byte, false, word, &immediate))
		return OPERAND_UNKNOWN;
	return read_address(&i, immediate, rip, gpr, addr) ? OPERAND_AT : OPERAND_NONE;
}
