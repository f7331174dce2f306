// SPDX-License-Identifier: MIT
/*
 * Reads .eh_frame_hdr's search table, then one FDE with its CIE, then the call frame instructions
 * up to an address (cfi.h).
 *
 * Invariant: every byte is read through a struct cursor, which has bounds. A read beyond them
 * returns zeros and marks the cursor as bad, and loops end at a bad cursor. (The binary search in
 * search() checks the bounds of its table once.)
 */
#include "check/preload/cfi.h"
#include "check/preload/peek.h"

/* DWARF 4, 7.23, and LSB 10.6.1.1: call frame instructions. The first three have 6-bit operands. */
enum {
	OP_ADVANCE_LOC = 0x40,
	OP_OFFSET = 0x80,
	OP_RESTORE = 0xc0,
	OP_HIGH = 0xc0, /* mask of the three */

	OP_NOP = 0x00,
	OP_SET_LOC,
	OP_ADVANCE_LOC1,
	OP_ADVANCE_LOC2,
	OP_ADVANCE_LOC4,
	OP_OFFSET_EXTENDED,
	OP_RESTORE_EXTENDED,
	OP_UNDEFINED,
	OP_SAME_VALUE,
	OP_REGISTER,
	OP_REMEMBER_STATE,
	OP_RESTORE_STATE,
	OP_DEF_CFA,
	OP_DEF_CFA_REGISTER,
	OP_DEF_CFA_OFFSET,
	OP_DEF_CFA_EXPRESSION,
	OP_EXPRESSION,
	OP_OFFSET_EXTENDED_SF,
	OP_DEF_CFA_SF,
	OP_DEF_CFA_OFFSET_SF,
	OP_VAL_OFFSET,
	OP_VAL_OFFSET_SF,
	OP_VAL_EXPRESSION,
	OP_GNU_ARGS_SIZE = 0x2e,
	OP_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

/* DWARF 4, 7.7.1: the location operations that make sense in a frame. */
enum {
	LOC_DEREF = 0x06,
	LOC_CONST1U = 0x08,
	LOC_CONST1S,
	LOC_CONST2U,
	LOC_CONST2S,
	LOC_CONST4U,
	LOC_CONST4S,
	LOC_CONST8U,
	LOC_CONST8S,
	LOC_CONSTU,
	LOC_CONSTS,
	LOC_DUP,
	LOC_DROP,
	LOC_OVER,
	LOC_PICK,
	LOC_SWAP,
	LOC_AND = 0x1a,
	LOC_MINUS = 0x1c,
	LOC_MUL = 0x1e,
	LOC_NEG,
	LOC_NOT,
	LOC_OR,
	LOC_PLUS,
	LOC_PLUS_UCONST,
	LOC_SHL,
	LOC_SHR,
	LOC_SHRA,
	LOC_XOR,
	LOC_BRA,
	LOC_EQ,
	LOC_GE,
	LOC_GT,
	LOC_LE,
	LOC_LT,
	LOC_NE,
	LOC_SKIP,
	LOC_LIT0,
	LOC_LIT31 = LOC_LIT0 + 31,
	LOC_BREG0 = 0x70,
	LOC_BREG31 = LOC_BREG0 + 31,
	LOC_NOP = 0x96,
};

/* LSB 10.5.1: pointer encodings. */
enum {
	PE_ABSPTR = 0x00,
	PE_ULEB128,
	PE_UDATA2,
	PE_UDATA4,
	PE_UDATA8,
	PE_SLEB128 = 0x09,
	PE_SDATA2,
	PE_SDATA4,
	PE_SDATA8,
	PE_FORMAT = 0x0f,
	PE_PCREL = 0x10,
	PE_DATAREL = 0x30,
	PE_APPLICATION = 0x70,
	PE_INDIRECT = 0x80,
	PE_OMIT = 0xff,
};

#define STATES	    8	/* nested remember_state; compilers nest two or three */
#define EXPRESSIONS 32	/* depth of an expression's stack */
#define STEPS	    256 /* operations of one expression: it may contain loops */

struct cursor {
	u64 at, end;
	bool bad;
};

static void read_bytes(struct cursor *c, void *to, u32 len)
{
	const u8 *from = (const u8 *)c->at;

	if (c->bad || c->end - c->at < len) {
		c->bad = true;
		for (u32 i = 0; i < len; i++)
			((u8 *)to)[i] = 0;
		return;
	}
	__builtin_memcpy(to, from, len);
	c->at += len;
}

#define READ(c, type)                                                                              \
	({                                                                                         \
		type value_;                                                                       \
		read_bytes((c), &value_, sizeof(value_));                                          \
		value_;                                                                            \
	})

static u64 read_leb(struct cursor *c, bool is_signed)
{
	u64 value = 0;
	u32 shift = 0;
	u8 byte;

	do {
		byte = READ(c, u8);
		if (shift < 64)
			value |= (u64)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) && !c->bad);
	if (is_signed && shift < 64 && (byte & 0x40))
		value |= ~0UL << shift;
	return value;
}

static u64 read_uleb(struct cursor *c)
{
	return read_leb(c, false);
}

static s64 read_sleb(struct cursor *c)
{
	return (s64)read_leb(c, true);
}

static void skip(struct cursor *c, u64 len)
{
	if (c->bad || c->end - c->at < len)
		c->bad = true;
	else
		c->at += len;
}

/*
 * Reads a number in the format of the encoding, and does not apply the base that it is relative to.
 */
static u64 read_format(struct cursor *c, u8 encoding)
{
	switch (encoding & PE_FORMAT) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		return READ(c, u64);
	case PE_ULEB128:
		return read_uleb(c);
	case PE_UDATA2:
		return READ(c, u16);
	case PE_UDATA4:
		return READ(c, u32);
	case PE_SLEB128:
		return (u64)read_sleb(c);
	case PE_SDATA2:
		return (u64)(s64)READ(c, int16_t);
	case PE_SDATA4:
		return (u64)(s64)READ(c, s32);
	default:
		c->bad = true;
		return 0;
	}
}

/* Reads a pointer. PE_DATAREL is relative to datarel; 0: PE_DATAREL is not valid here. */
static u64 read_pointer(struct cursor *c, u8 encoding, u64 datarel)
{
	u64 here = c->at;
	u64 value = read_format(c, encoding);

	switch (encoding & (PE_APPLICATION | PE_INDIRECT)) {
	case PE_ABSPTR:
		return value;
	case PE_PCREL:
		return value + here;
	case PE_DATAREL:
		if (datarel)
			return value + datarel;
	}
	c->bad = true;
	return 0;
}

/* Opens the CIE or FDE at address at. The 64-bit format, for more than 4 GiB, is not supported. */
static struct cursor open_entry(const struct cfi_tables *t, u64 at)
{
	struct cursor c = {at, t->high, at < t->low || at >= t->high};
	u32 len = READ(&c, u32);

	if (c.bad || len == 0 || len == ~0u || c.end - c.at < len)
		c.bad = true;
	else
		c.end = c.at + len;
	return c;
}

struct cie {
	u64 code_align;
	s64 data_align;
	u64 ra_register;
	u8 encoding;	   /* of addresses in its FDEs */
	bool augmented;	   /* its FDEs have augmentation data */
	bool signal;	   /* augmentation "S" */
	struct cursor ops; /* initial instructions */
};

/* Reads augmentation data, in the order of the string's letters, up to the first unknown letter. */
static bool read_augmentation(struct cie *cie, struct cursor *text, struct cursor *data)
{
	u8 letter;

	while ((letter = READ(text, u8)) != 0) {
		u8 encoding;

		switch (letter) {
		case 'R':
			cie->encoding = READ(data, u8);
			break;
		case 'P':
			encoding = READ(data, u8);
			read_format(data, encoding);
			break;
		case 'L':
			READ(data, u8);
			break;
		case 'S':
			cie->signal = true;
			break;
		default:
			return !text->bad;
		}
	}
	return !text->bad && !data->bad;
}

static bool read_cie(const struct cfi_tables *t, u64 at, struct cie *cie)
{
	struct cursor c = open_entry(t, at);
	struct cursor text, data;
	u8 version;

	*cie = (struct cie){.encoding = PE_ABSPTR};
	if (READ(&c, u32) != 0) /* a CIE has 0 here */
		return false;
	version = READ(&c, u8);
	if (version != 1 && version != 3)
		return false;
	text = c;
	while (READ(&c, u8) != 0) {
	}
	cie->code_align = read_uleb(&c);
	cie->data_align = read_sleb(&c);
	cie->ra_register = version == 1 ? READ(&c, u8) : read_uleb(&c);
	if (c.bad)
		return false;
	switch (READ(&text, u8)) {
	case 0:
		break;
	case 'z':
		cie->augmented = true;
		data = c;
		skip(&c, read_uleb(&c));
		read_uleb(&data);
		if (c.bad || !read_augmentation(cie, &text, &data))
			return false;
		break;
	default:
		return false;
	}
	cie->ops = c;
	return true;
}

/* The current row of the frame's table while the instructions are executed. */
struct state {
	u32 cfa_register;
	s64 cfa_offset;
	struct cfi_expression cfa;
	struct cfi_rule rbp, ra;
};

struct machine {
	const struct cie *cie;
	u64 loc, pc; /* executes while loc <= pc */
	struct state now, initial;
	struct state saved[STATES];
	u32 depth;
};

static struct cfi_rule *rule_of(struct machine *m, struct state *s, u64 reg)
{
	if (reg == m->cie->ra_register)
		return &s->ra;
	return reg == CFI_RBP ? &s->rbp : NULL;
}

static void set_rule(struct machine *m, u64 reg, struct cfi_rule rule)
{
	struct cfi_rule *r = rule_of(m, &m->now, reg);

	if (r)
		*r = rule;
}

static void set_offset(struct machine *m, u64 reg, enum cfi_how how, u64 factored)
{
	s64 offset = (s64)(factored * (u64)m->cie->data_align);

	set_rule(m, reg, (struct cfi_rule){.how = how, .offset = offset});
}

static void restore(struct machine *m, u64 reg)
{
	struct cfi_rule *r = rule_of(m, &m->initial, reg);

	if (r)
		set_rule(m, reg, *r);
}

static struct cfi_expression read_expression(struct cursor *c)
{
	u64 len = read_uleb(c);
	struct cfi_expression e = {c->at, c->at + len};

	skip(c, len);
	return e;
}

static void set_cfa(struct machine *m, u64 reg, s64 offset)
{
	/* All registers that are not followed are stored as CFI_RIP. */
	m->now.cfa_register = reg > CFI_RIP ? CFI_RIP : (u32)reg;
	m->now.cfa_offset = offset;
	m->now.cfa = (struct cfi_expression){0, 0};
}

/* Executes an instruction with a 6-bit operand. */
static void execute_high(struct machine *m, struct cursor *c, u8 op)
{
	u64 low = op & ~OP_HIGH;

	switch (op & OP_HIGH) {
	case OP_ADVANCE_LOC:
		m->loc += low * m->cie->code_align;
		break;
	case OP_OFFSET:
		set_offset(m, low, CFI_OFFSET, read_uleb(c));
		break;
	case OP_RESTORE:
		restore(m, low);
		break;
	}
}

static bool remember(struct machine *m)
{
	if (m->depth == STATES)
		return false;
	m->saved[m->depth++] = m->now;
	return true;
}

static bool recall(struct machine *m)
{
	if (m->depth == 0)
		return false;
	m->now = m->saved[--m->depth];
	return true;
}

/* Executes one of the other instructions. Returns false if it is unknown or not possible. */
static bool execute_low(struct machine *m, struct cursor *c, u8 op)
{
	s64 data_align = m->cie->data_align;
	u64 reg;

	switch (op) {
	case OP_NOP:
		return true;
	case OP_SET_LOC:
		m->loc = read_pointer(c, m->cie->encoding, 0);
		return true;
	case OP_ADVANCE_LOC1:
		m->loc += READ(c, u8) * m->cie->code_align;
		return true;
	case OP_ADVANCE_LOC2:
		m->loc += READ(c, u16) * m->cie->code_align;
		return true;
	case OP_ADVANCE_LOC4:
		m->loc += READ(c, u32) * m->cie->code_align;
		return true;
	case OP_REMEMBER_STATE:
		return remember(m);
	case OP_RESTORE_STATE:
		return recall(m);
	case OP_DEF_CFA_OFFSET:
		m->now.cfa_offset = (s64)read_uleb(c);
		return true;
	case OP_DEF_CFA_OFFSET_SF:
		m->now.cfa_offset = (s64)((u64)read_sleb(c) * (u64)data_align);
		return true;
	case OP_DEF_CFA_EXPRESSION:
		m->now.cfa = read_expression(c);
		return true;
	case OP_GNU_ARGS_SIZE:
		read_uleb(c);
		return true;
	}
	/* The first operand of the other instructions is a register. */
	reg = read_uleb(c);
	switch (op) {
	case OP_OFFSET_EXTENDED:
		set_offset(m, reg, CFI_OFFSET, read_uleb(c));
		return true;
	case OP_OFFSET_EXTENDED_SF:
		set_offset(m, reg, CFI_OFFSET, (u64)read_sleb(c));
		return true;
	case OP_GNU_NEGATIVE_OFFSET_EXTENDED:
		set_offset(m, reg, CFI_OFFSET, -read_uleb(c));
		return true;
	case OP_VAL_OFFSET:
		set_offset(m, reg, CFI_VAL_OFFSET, read_uleb(c));
		return true;
	case OP_VAL_OFFSET_SF:
		set_offset(m, reg, CFI_VAL_OFFSET, (u64)read_sleb(c));
		return true;
	case OP_EXPRESSION:
	case OP_VAL_EXPRESSION:
		set_rule(m, reg,
			 (struct cfi_rule){.how = op == OP_EXPRESSION ? CFI_EXPRESSION
								      : CFI_VAL_EXPRESSION,
					   .expression = read_expression(c)});
		return true;
	case OP_RESTORE_EXTENDED:
		restore(m, reg);
		return true;
	case OP_UNDEFINED:
		set_rule(m, reg, (struct cfi_rule){.how = CFI_UNDEFINED});
		return true;
	case OP_SAME_VALUE:
		set_rule(m, reg, (struct cfi_rule){.how = CFI_SAME});
		return true;
	case OP_REGISTER:
		read_uleb(c);
		set_rule(m, reg, (struct cfi_rule){.how = CFI_UNKNOWN});
		return true;
	case OP_DEF_CFA:
		set_cfa(m, reg, (s64)read_uleb(c));
		return true;
	case OP_DEF_CFA_SF:
		set_cfa(m, reg, (s64)((u64)read_sleb(c) * (u64)data_align));
		return true;
	case OP_DEF_CFA_REGISTER:
		set_cfa(m, reg, m->now.cfa_offset);
		return true;
	default:
		return false;
	}
}

static bool execute(struct machine *m, struct cursor c)
{
	while (!c.bad && c.at < c.end && m->loc <= m->pc) {
		u8 op = READ(&c, u8);

		if (op & OP_HIGH)
			execute_high(m, &c, op);
		else if (!execute_low(m, &c, op))
			return false;
	}
	return !c.bad;
}

/* Returns the address of the FDE of the last row of the table at or before pc, or 0. */
static u64 search(const struct cfi_tables *t, u64 pc)
{
	struct cursor c = {t->hdr, t->hdr + t->hdr_size, false};
	const struct __attribute__((packed)) row {
		s32 start, fde; /* relative to the address of .eh_frame_hdr */
	} * rows;
	u8 version, frame_encoding, count_encoding, table_encoding;
	u64 count, low = 0, high;

	if (t->hdr < t->low || t->hdr > t->high || t->high - t->hdr < t->hdr_size)
		return 0;
	version = READ(&c, u8);
	frame_encoding = READ(&c, u8);
	count_encoding = READ(&c, u8);
	table_encoding = READ(&c, u8);
	/* All linkers use this encoding; for others libgcc, too, would look at every FDE. */
	if (version != 1 || table_encoding != (PE_DATAREL | PE_SDATA4) ||
	    count_encoding == PE_OMIT || frame_encoding == PE_OMIT)
		return 0;
	read_pointer(&c, frame_encoding, t->hdr);
	count = read_pointer(&c, count_encoding, t->hdr);
	if (c.bad || count > (c.end - c.at) / sizeof(*rows))
		return 0;
	rows = (const struct row *)c.at;
	high = count;
	while (low < high) {
		u64 middle = low + (high - low) / 2;

		if (t->hdr + (u64)(s64)rows[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? t->hdr + (u64)(s64)rows[low - 1].fde : 0;
}

/* Returns the same without .eh_frame_hdr, by reading one FDE after the other. */
static u64 scan(const struct cfi_tables *t, u64 pc)
{
	u64 at = t->frames, end = t->frames + t->frames_size, known = 0;
	struct cie cie;

	if (at < t->low || end < at || end > t->high)
		return 0;
	while (at < end) {
		struct cursor c = open_entry(t, at);
		u64 id_at = c.at, start;
		u32 id = READ(&c, u32);

		if (c.bad)
			break;
		if (id != 0 && id_at - id != known) {
			known = 0;
			if (read_cie(t, id_at - id, &cie))
				known = id_at - id;
		}
		if (id != 0 && known) {
			start = read_pointer(&c, cie.encoding, 0);
			if (pc - start < read_format(&c, cie.encoding) && !c.bad)
				return at;
		}
		at = c.end;
	}
	return 0;
}

bool cfi_find(const struct cfi_tables *t, u64 pc, struct cfi_frame *frame)
{
	u64 fde = t->hdr ? search(t, pc) : scan(t, pc), start, len, id_at;
	struct cursor c;
	struct machine m;
	struct cie cie;
	u32 id;

	if (!fde)
		return false;
	c = open_entry(t, fde);
	id_at = c.at;
	id = READ(&c, u32);
	if (c.bad || id == 0 || !read_cie(t, id_at - id, &cie))
		return false;
	start = read_pointer(&c, cie.encoding, 0);
	len = read_format(&c, cie.encoding);
	if (c.bad || pc - start >= len)
		return false;
	if (cie.augmented)
		skip(&c, read_uleb(&c));

	m.cie = &cie;
	m.pc = pc;
	m.loc = start;
	m.depth = 0;
	/* The ABI's defaults: RBP is callee-saved; the CIE has to define CFA and return address. */
	m.now = (struct state){
		.cfa_register = CFI_RIP,
		.rbp = {.how = CFI_SAME},
		.ra = {.how = CFI_UNKNOWN},
	};
	m.initial = m.now;
	if (!execute(&m, cie.ops))
		return false;
	m.initial = m.now;
	if (!execute(&m, c))
		return false;
	*frame = (struct cfi_frame){
		.cfa_register = m.now.cfa_register,
		.cfa_offset = m.now.cfa_offset,
		.cfa = m.now.cfa,
		.rbp = m.now.rbp,
		.ra = m.now.ra,
		.signal = cie.signal,
	};
	return true;
}

/* ---- the caller's registers ------------------------------------------------------------------ */

struct stack {
	u64 value[EXPRESSIONS];
	u32 depth;
	bool bad;
};

static void push(struct stack *s, u64 value)
{
	if (s->depth == EXPRESSIONS)
		s->bad = true;
	else
		s->value[s->depth++] = value;
}

static u64 pop(struct stack *s)
{
	if (s->depth == 0) {
		s->bad = true;
		return 0;
	}
	return s->value[--s->depth];
}

/* Pushes the value that is n below the top. */
static void pick(struct stack *s, u32 n)
{
	if (n >= s->depth)
		s->bad = true;
	else
		push(s, s->value[s->depth - 1 - n]);
}

static bool known_register(const struct cfi_registers *r, u64 reg, u64 *value)
{
	switch (reg) {
	case CFI_RBP:
		*value = r->rbp;
		return true;
	case CFI_RSP:
		*value = r->rsp;
		return true;
	case CFI_RIP:
		*value = r->rip;
		return true;
	default:
		return false;
	}
}

static u64 constant(struct cursor *c, u8 op)
{
	switch (op) {
	case LOC_CONST1U:
		return READ(c, u8);
	case LOC_CONST1S:
		return (u64)(s64)READ(c, int8_t);
	case LOC_CONST2U:
		return READ(c, u16);
	case LOC_CONST2S:
		return (u64)(s64)READ(c, int16_t);
	case LOC_CONST4U:
		return READ(c, u32);
	case LOC_CONST4S:
		return (u64)(s64)READ(c, s32);
	case LOC_CONST8U:
	case LOC_CONST8S:
		return READ(c, u64);
	case LOC_CONSTU:
		return read_uleb(c);
	default: /* LOC_CONSTS */
		return (u64)read_sleb(c);
	}
}

/* Computes an operation of two operands; b was on top. Returns false for other operations. */
static bool binary(u8 op, u64 a, u64 b, u64 *value)
{
	switch (op) {
	case LOC_AND:
		*value = a & b;
		return true;
	case LOC_MINUS:
		*value = a - b;
		return true;
	case LOC_MUL:
		*value = a * b;
		return true;
	case LOC_OR:
		*value = a | b;
		return true;
	case LOC_PLUS:
		*value = a + b;
		return true;
	case LOC_SHL:
		*value = b < 64 ? a << b : 0;
		return true;
	case LOC_SHR:
		*value = b < 64 ? a >> b : 0;
		return true;
	case LOC_SHRA:
		*value = (u64)((s64)a >> (b < 64 ? b : 63));
		return true;
	case LOC_XOR:
		*value = a ^ b;
		return true;
	case LOC_EQ:
		*value = a == b;
		return true;
	case LOC_GE:
		*value = (s64)a >= (s64)b;
		return true;
	case LOC_GT:
		*value = (s64)a > (s64)b;
		return true;
	case LOC_LE:
		*value = (s64)a <= (s64)b;
		return true;
	case LOC_LT:
		*value = (s64)a < (s64)b;
		return true;
	case LOC_NE:
		*value = a != b;
		return true;
	default:
		return false;
	}
}

/* Branches by the distance that follows in the expression, within the expression's bounds. */
static void jump(struct cursor *c, u64 first, bool taken)
{
	s64 distance = READ(c, int16_t);
	u64 to = c->at + (u64)distance;

	if (!taken)
		return;
	if (to < first || to > c->end)
		c->bad = true;
	else
		c->at = to;
}

static bool operate(struct cursor *c, struct stack *s, const struct cfi_registers *r, u8 op,
		    u64 first)
{
	u64 a, b, value = 0;

	if (op >= LOC_LIT0 && op <= LOC_LIT31) {
		push(s, op - LOC_LIT0);
		return true;
	}
	if (op >= LOC_BREG0 && op <= LOC_BREG31) {
		u64 offset = (u64)read_sleb(c);

		if (!known_register(r, op - LOC_BREG0, &value))
			return false;
		push(s, value + offset);
		return true;
	}
	if (op >= LOC_CONST1U && op <= LOC_CONSTS) {
		push(s, constant(c, op));
		return true;
	}
	switch (op) {
	case LOC_NOP:
		return true;
	case LOC_DEREF:
		a = pop(s);
		if (s->bad || !peek(a, &value))
			return false;
		push(s, value);
		return true;
	case LOC_DUP:
		pick(s, 0);
		return true;
	case LOC_OVER:
		pick(s, 1);
		return true;
	case LOC_PICK:
		pick(s, READ(c, u8));
		return true;
	case LOC_DROP:
		pop(s);
		return true;
	case LOC_SWAP:
		b = pop(s);
		a = pop(s);
		push(s, b);
		push(s, a);
		return true;
	case LOC_NEG:
		push(s, -pop(s));
		return true;
	case LOC_NOT:
		push(s, ~pop(s));
		return true;
	case LOC_PLUS_UCONST:
		a = pop(s);
		push(s, a + read_uleb(c));
		return true;
	case LOC_BRA:
		jump(c, first, pop(s) != 0);
		return true;
	case LOC_SKIP:
		jump(c, first, true);
		return true;
	}
	b = pop(s);
	a = pop(s);
	if (!binary(op, a, b, &value))
		return false;
	push(s, value);
	return true;
}

/* Evaluates an expression. given: the value that is on the stack at the beginning, or NULL. */
static bool evaluate(struct cfi_expression e, const struct cfi_registers *r, const u64 *given,
		     u64 *value)
{
	struct cursor c = {e.at, e.end, false};
	struct stack s;

	s.depth = 0;
	s.bad = false;
	if (given)
		push(&s, *given);
	for (u32 steps = 0; c.at < c.end; steps++) {
		u8 op = READ(&c, u8);

		if (steps == STEPS || !operate(&c, &s, r, op, e.at) || c.bad || s.bad)
			return false;
	}
	*value = pop(&s);
	return !s.bad;
}

static bool apply_rule(const struct cfi_rule *rule, const struct cfi_registers *r, u64 cfa,
		       u64 same, u64 *value)
{
	u64 at;

	switch (rule->how) {
	case CFI_SAME:
		*value = same;
		return true;
	case CFI_OFFSET:
		return peek(cfa + (u64)rule->offset, value);
	case CFI_VAL_OFFSET:
		*value = cfa + (u64)rule->offset;
		return true;
	case CFI_EXPRESSION:
		return evaluate(rule->expression, r, &cfa, &at) && peek(at, value);
	case CFI_VAL_EXPRESSION:
		return evaluate(rule->expression, r, &cfa, value);
	default:
		return false;
	}
}

bool cfi_apply(const struct cfi_frame *f, struct cfi_registers *r)
{
	u64 cfa, rip, rbp;

	if (f->cfa.at != f->cfa.end) {
		if (!evaluate(f->cfa, r, NULL, &cfa))
			return false;
	} else {
		if (f->cfa_register == CFI_RIP || !known_register(r, f->cfa_register, &cfa))
			return false;
		cfa += (u64)f->cfa_offset;
	}
	if (f->ra.how == CFI_SAME || !apply_rule(&f->ra, r, cfa, 0, &rip))
		return false;
	/* The walk goes on without RBP, and fails only at frames that need it. */
	if (!apply_rule(&f->rbp, r, cfa, r->rbp, &rbp))
		rbp = 0;
	*r = (struct cfi_registers){rip, cfa, rbp};
	return true;
}
