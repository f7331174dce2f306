// SPDX-License-Identifier: MIT
/*
 * See insn_length.h. An instruction consists of prefixes, an opcode in one of several maps, and, as
 * the opcode requires, ModRM with SIB and displacement, and an immediate. VEX, EVEX, XOP and REX2
 * are prefixes that name the map.
 */
#include "kernel/arch/x86_64/insn_length.h"

/*
 * What follows the opcode, a letter for each:
 *
 *   .  nothing              m  ModRM                 g, G  ModRM, for /0 and /1 as M or Z (group 3)
 *   b  8-bit immediate      M  ModRM, 8-bit          w  16-bit      e  16-bit and 8-bit
 *   z  operand-sized, of    Z  ModRM, operand-sized  q  like z, 64-bit with REX.W
 *      at most 32 bits      d  32-bit                o  address-sized offset
 *   p  a prefix             x  escape to a map       -  no instruction
 */
static const char map_legacy[] =
	/* 0 1 2 3 4 5 6 7 8 9 a b c d e f */
	"mmmmbz--mmmmbz-x" /* 00 */
	"mmmmbz--mmmmbz--" /* 10 */
	"mmmmbzp-mmmmbzp-" /* 20 */
	"mmmmbzp-mmmmbzp-" /* 30 */
	"pppppppppppppppp" /* 40: REX */
	"................" /* 50 */
	"--xmppppzZbM...." /* 60: 62 EVEX */
	"bbbbbbbbbbbbbbbb" /* 70 */
	"MZ-Mmmmmmmmmmmmm" /* 80: 8f POP or XOP */
	"..........-....." /* 90 */
	"oooo....bz......" /* a0 */
	"bbbbbbbbqqqqqqqq" /* b0 */
	"MMw.xxMZe.w..b-." /* c0: c4, c5 VEX */
	"mmmm-x-.mmmmmmmm" /* d0: d5 REX2 */
	"bbbbbbbbdd-b...." /* e0 */
	"p.pp..gG......mm" /* f0 */;

static const char map_0f[] = "mmmm-.....-.-m.M" /* 00: 0f 3DNow!, whose opcode comes last */
			     "mmmmmmmmmmmmmmmm" /* 10 */
			     "mmmm----mmmmmmmm" /* 20: 20 to 23 never have memory */
			     "......-.x-x-----" /* 30 */
			     "mmmmmmmmmmmmmmmm" /* 40 */
			     "mmmmmmmmmmmmmmmm" /* 50 */
			     "mmmmmmmmmmmmmmmm" /* 60 */
			     "MMMMmmm.mmmmmmmm" /* 70 */
			     "dddddddddddddddd" /* 80 */
			     "mmmmmmmmmmmmmmmm" /* 90 */
			     "...mMmmm...mMmmm" /* a0 */
			     "mmmmmmmmmmMmmmmm" /* b0 */
			     "mmMmMMMm........" /* c0 */
			     "mmmmmmmmmmmmmmmm" /* d0 */
			     "mmmmmmmmmmmmmmmm" /* e0 */
			     "mmmmmmmmmmmmmmmm" /* f0 */;

_Static_assert(sizeof(map_legacy) == 257 && sizeof(map_0f) == 257, "a letter for each opcode");

/* The maps by the numbers that VEX, EVEX and XOP give them. */
enum {
	MAP_LEGACY,
	MAP_0F,
	MAP_0F38,
	MAP_0F3A,
	MAP_APX,    /* EVEX: legacy instructions with more registers */
	MAP_FP16_5, /* as 0f */
	MAP_FP16_6, /* as 0f 38 */
	MAP_IMM32,  /* VEX and EVEX: an immediate of 32 bits */
	MAP_XOP_8,
	MAP_XOP_9,
	MAP_XOP_A,
};

struct cursor {
	const u8 *at, *end;
	bool failed; /* the instruction does not end before end */
	bool size16, rep, repne, wide, address32;
	enum { PLAIN, REX2, VEX, EVEX, XOP } coding;
	u8 map;
};

static u8 take(struct cursor *c)
{
	if (c->at == c->end) {
		c->failed = true;
		return 0;
	}
	return *c->at++;
}

static void skip(struct cursor *c, u32 bytes)
{
	if ((u64)(c->end - c->at) < bytes)
		c->failed = true;
	else
		c->at += bytes;
}

/* Reads prefixes. Returns the first byte of the opcode, or of the prefix that names its map. */
static u8 prefixes(struct cursor *c)
{
	for (;;) {
		u8 b = take(c);

		if (map_legacy[b] != 'p' || c->failed)
			return b;
		/* REX has an effect only right before the opcode. */
		c->wide = (b & 0xf8) == 0x48;
		c->size16 |= b == 0x66;
		c->address32 |= b == 0x67;
		c->repne |= b == 0xf2;
		c->rep |= b == 0xf3;
	}
}

/* Reads two payload bytes of VEX, EVEX or XOP: the first has the map, the second W and pp. */
static void vector_prefix(struct cursor *c, u8 map_mask)
{
	u8 second;

	c->map = take(c) & map_mask;
	second = take(c);
	c->wide = second & 0x80;
	c->size16 = (second & 3) == 1;
}

/* Reads everything up to the opcode, and sets c->map and c->coding. Returns the opcode. */
static u8 opcode(struct cursor *c)
{
	u8 b = prefixes(c), next;

	switch (b) {
	case 0x0f:
		c->map = MAP_0F;
		b = take(c);
		if (b != 0x38 && b != 0x3a)
			return b;
		c->map = b == 0x38 ? MAP_0F38 : MAP_0F3A;
		return take(c);
	case 0x62:
		c->coding = EVEX;
		vector_prefix(c, 7);
		skip(c, 1);
		return take(c);
	case 0x8f:
		next = c->at < c->end ? *c->at : 0;
		if ((next & 0x1f) < MAP_XOP_8)
			return b;
		c->coding = XOP;
		vector_prefix(c, 0x1f);
		return take(c);
	case 0xc4:
		c->coding = VEX;
		vector_prefix(c, 0x1f);
		return take(c);
	case 0xc5:
		c->coding = VEX;
		c->map = MAP_0F;
		skip(c, 1);
		return take(c);
	case 0xd5:
		c->coding = REX2;
		next = take(c);
		c->wide = next & 8;
		c->map = next & 0x80 ? MAP_0F : MAP_LEGACY;
		return take(c);
	default:
		return b;
	}
}

/* Returns the letter of an opcode in a map of VEX, EVEX or XOP. */
static char vector_form(const struct cursor *c, u8 op)
{
	switch (c->map) {
	case MAP_0F:
		return c->coding == VEX && op == 0x77 ? '.' : map_0f[op] == 'M' ? 'M' : 'm';
	case MAP_0F38:
	case MAP_FP16_5:
	case MAP_FP16_6:
	case MAP_XOP_9:
		return 'm';
	case MAP_0F3A:
	case MAP_XOP_8:
		return 'M';
	case MAP_APX:
		/* SHLD, SHRD and SHA1RNDS4, in other maps without EVEX, have an immediate. */
		if (op == 0x24 || op == 0x2c || op == 0xd4)
			return 'M';
		/* As in the legacy map: arithmetic, IMUL, shifts, group 3. */
		if (op == 0x69 || op == 0x6b || op >> 2 == 0x80 >> 2 || op >> 1 == 0xc0 >> 1 ||
		    op >> 1 == 0xf6 >> 1)
			return map_legacy[op];
		return 'm';
	case MAP_IMM32:
	case MAP_XOP_A:
		return 'D';
	default:
		return '-';
	}
}

static char form_of(const struct cursor *c, u8 op)
{
	if (c->coding >= VEX)
		return vector_form(c, op);
	switch (c->map) {
	case MAP_LEGACY:
		/* JMPABS */
		return c->coding == REX2 && op == 0xa1 ? 'Q' : map_legacy[op];
	case MAP_0F:
		/* EXTRQ and INSERTQ of SSE4a have two immediates. */
		return op == 0x78 && (c->size16 || c->repne) ? 'E' : map_0f[op];
	case MAP_0F38:
		return 'm';
	default:
		return 'M';
	}
}

/* Reads ModRM, SIB and displacement. Returns ModRM. */
static u8 operand(struct cursor *c, bool register_only, struct insn *out)
{
	u8 modrm = take(c), mod = modrm >> 6, rm = modrm & 7, base = rm;

	if (mod == 3 || register_only)
		return modrm;
	if (rm == 4)
		base = take(c) & 7;
	if (mod == 1)
		skip(c, 1);
	else if (mod == 2 || base == 5)
		skip(c, 4);
	out->rip_relative = mod == 0 && rm == 5;
	return modrm;
}

/* Bytes of an immediate of the operand's size, which has at most 32 bits. */
static u32 immediate_size(const struct cursor *c)
{
	return c->size16 && !c->wide ? 2 : 4;
}

/* Reads everything behind the opcode. Returns ModRM, if there is one. */
static u8 operands(struct cursor *c, u8 op, struct insn *out)
{
	char form = form_of(c, op);
	u32 immz = immediate_size(c);
	u8 modrm = 0;

	switch (form) {
	case 'm':
	case 'M':
	case 'Z':
	case 'g':
	case 'G':
	case 'D':
	case 'E':
		modrm = operand(c, c->coding == PLAIN && c->map == MAP_0F && op >> 2 == 0x20 >> 2,
				out);
		break;
	default:
		break;
	}
	if (form == 'g' || form == 'G') {
		if (modrm >> 3 & 6)
			return modrm;
		form = form == 'g' ? 'M' : 'Z';
	}
	switch (form) {
	case '.':
	case 'm':
		break;
	case 'b':
	case 'M':
		skip(c, 1);
		break;
	case 'w':
	case 'E':
		skip(c, 2);
		break;
	case 'e':
		skip(c, 3);
		break;
	case 'z':
	case 'Z':
		skip(c, immz);
		break;
	case 'd':
	case 'D':
		skip(c, 4);
		break;
	case 'q':
		skip(c, c->wide ? 8 : immz);
		break;
	case 'Q':
		skip(c, 8);
		break;
	case 'o':
		skip(c, c->address32 ? 4 : 8);
		break;
	default:
		c->failed = true;
	}
	return modrm;
}

static s32 relative(const u8 *end, u32 bytes)
{
	u32 value = 0;

	for (u32 i = 1; i <= bytes; i++)
		value = value << 8 | end[-(s64)i];
	/* Sign-extended. */
	return (s32)(value << (32 - 8 * bytes)) >> (32 - 8 * bytes);
}

static u8 flow_legacy(u8 op, u8 modrm, u32 immz, u32 *relative_bytes)
{
	u8 reg = modrm >> 3 & 7;

	/* In 64-bit mode Intel's CALL and JMP ignore the operand size; XBEGIN does not. */
	*relative_bytes = op == 0xe8 || op == 0xe9 ? 4 : op == 0xc7 ? immz : 1;
	if (op >> 4 == 7 || op >> 2 == 0xe0 >> 2 || op == 0xe8 || (op == 0xc7 && modrm == 0xf8))
		return INSN_BRANCH;
	if (op == 0xe9 || op == 0xeb)
		return INSN_JUMP;
	switch (op) {
	case 0xc2:
	case 0xc3:
	case 0xca:
	case 0xcb:
	case 0xcc:
	case 0xcf:
	case 0xf4:
		return INSN_STOP;
	case 0xcd:
	case 0xf1:
		return INSN_TRANSFER;
	case 0xc6: /* XABORT */
		return modrm == 0xf8 ? INSN_TRANSFER : INSN_PLAIN;
	case 0xff:
		return reg == 4 || reg == 5   ? INSN_STOP
		       : reg == 2 || reg == 3 ? INSN_TRANSFER
					      : INSN_PLAIN;
	default:
		return INSN_PLAIN;
	}
}

static u8 flow_0f(u8 op, u32 *relative_bytes)
{
	*relative_bytes = 4;
	if (op >> 4 == 8)
		return INSN_BRANCH;
	switch (op) {
	case 0x05:
	case 0x34:
		return INSN_TRANSFER;
	case 0x07:
	case 0x0b:
	case 0x35:
	case 0xb9:
	case 0xff:
		return INSN_STOP;
	default:
		return INSN_PLAIN;
	}
}

bool insn_decode(const u8 *code, u32 size, struct insn *out)
{
	struct cursor c = {.at = code, .end = code + (size < INSN_MAX ? size : INSN_MAX)};
	u32 relative_bytes = 0;
	u8 op, modrm;

	*out = (struct insn){0};
	op = opcode(&c);
	if (c.failed)
		return false;
	modrm = operands(&c, op, out);
	if (c.failed)
		return false;
	out->length = (u8)(c.at - code);
	if (c.coding <= REX2 && c.map == MAP_LEGACY)
		out->flow = c.coding == REX2 && op == 0xa1
				    ? INSN_STOP
				    : flow_legacy(op, modrm, immediate_size(&c), &relative_bytes);
	else if (c.coding <= REX2 && c.map == MAP_0F)
		out->flow = flow_0f(op, &relative_bytes);
	if (out->flow == INSN_BRANCH || out->flow == INSN_JUMP)
		out->target = relative(c.at, relative_bytes);
	return true;
}
