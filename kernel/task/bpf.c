// SPDX-License-Identifier: MIT
/*
 * See bpf.h. What is valid is what bpf_check_classic in Linux's net/core/filter.c and
 * seccomp_check_filter in its kernel/seccomp.c both accept.
 */
#include <asm/errno.h>
#include "kernel/task/bpf.h"
#include "libc/string.h"

#define DATA_WORDS (sizeof(struct seccomp_data) / sizeof(u32))

/* What the operand .k of an instruction must satisfy. */
enum operand {
	UNKNOWN, /* no such instruction, or none that a filter of seccomp(2) may have */
	ANY,
	NOT_ZERO, /* a divisor */
	SHIFT,	  /* below the width of a register */
	CELL,	  /* a word of the program's memory */
	OFFSET,	  /* of a word in struct seccomp_data */
	TARGET,	  /* of an unconditional jump */
	BRANCH,	  /* .jt and .jf are targets */
};

#define OP_BITS 0x100 /* codes of instructions have 8 bits */

/* K and X: the second operand is a constant, or the index register. */
static const u8 operands[OP_BITS] = {
	[BPF_LD | BPF_W | BPF_ABS] = OFFSET,
	[BPF_LD | BPF_W | BPF_LEN] = ANY,
	[BPF_LDX | BPF_W | BPF_LEN] = ANY,
	[BPF_LD | BPF_IMM] = ANY,
	[BPF_LDX | BPF_IMM] = ANY,
	[BPF_LD | BPF_MEM] = CELL,
	[BPF_LDX | BPF_MEM] = CELL,
	[BPF_ST] = CELL,
	[BPF_STX] = CELL,
	[BPF_MISC | BPF_TAX] = ANY,
	[BPF_MISC | BPF_TXA] = ANY,
	[BPF_RET | BPF_K] = ANY,
	[BPF_RET | BPF_A] = ANY,
	[BPF_ALU | BPF_NEG] = ANY,
	[BPF_ALU | BPF_ADD /* BPF_K */] = ANY,
	[BPF_ALU | BPF_ADD | BPF_X] = ANY,
	[BPF_ALU | BPF_SUB | BPF_K] = ANY,
	[BPF_ALU | BPF_SUB | BPF_X] = ANY,
	[BPF_ALU | BPF_MUL | BPF_K] = ANY,
	[BPF_ALU | BPF_MUL | BPF_X] = ANY,
	[BPF_ALU | BPF_DIV | BPF_K] = NOT_ZERO,
	[BPF_ALU | BPF_DIV | BPF_X] = ANY,
	[BPF_ALU | BPF_AND | BPF_K] = ANY,
	[BPF_ALU | BPF_AND | BPF_X] = ANY,
	[BPF_ALU | BPF_OR | BPF_K] = ANY,
	[BPF_ALU | BPF_OR | BPF_X] = ANY,
	[BPF_ALU | BPF_XOR | BPF_K] = ANY,
	[BPF_ALU | BPF_XOR | BPF_X] = ANY,
	[BPF_ALU | BPF_LSH | BPF_K] = SHIFT,
	[BPF_ALU | BPF_LSH | BPF_X] = ANY,
	[BPF_ALU | BPF_RSH | BPF_K] = SHIFT,
	[BPF_ALU | BPF_RSH | BPF_X] = ANY,
	[BPF_JMP | BPF_JA] = TARGET,
	[BPF_JMP | BPF_JEQ | BPF_K] = BRANCH,
	[BPF_JMP | BPF_JEQ | BPF_X] = BRANCH,
	[BPF_JMP | BPF_JGE | BPF_K] = BRANCH,
	[BPF_JMP | BPF_JGE | BPF_X] = BRANCH,
	[BPF_JMP | BPF_JGT | BPF_K] = BRANCH,
	[BPF_JMP | BPF_JGT | BPF_X] = BRANCH,
	[BPF_JMP | BPF_JSET | BPF_K] = BRANCH,
	[BPF_JMP | BPF_JSET | BPF_X] = BRANCH,
};

static enum operand operand_of(const struct sock_filter *i)
{
	return i->code < OP_BITS ? (enum operand)operands[i->code] : UNKNOWN;
}

/* left: how many instructions follow. */
static bool is_valid(const struct sock_filter *i, u32 left)
{
	switch (operand_of(i)) {
	case UNKNOWN:
		return false;
	case ANY:
		return true;
	case NOT_ZERO:
		return i->k != 0;
	case SHIFT:
		return i->k < 32;
	case CELL:
		return i->k < BPF_MEMWORDS;
	case OFFSET:
		return i->k < sizeof(struct seccomp_data) && i->k % sizeof(u32) == 0;
	case TARGET:
		return i->k < left;
	case BRANCH:
		return i->jt < left && i->jf < left;
	}
	return false;
}

/*
 * Returns true if each word of memory is stored before it is loaded, whatever way the program takes
 * there. stored[n] has a bit for each word that is stored on all ways to instruction n that come by
 * a jump.
 */
static bool loads_follow_stores(const struct sock_filter *program, u32 len, u16 *stored)
{
	u16 have = 0;

	memset(stored, 0xff, len * sizeof(*stored));
	for (u32 n = 0; n < len; n++) {
		const struct sock_filter *i = &program[n];
		u16 *next = stored + n + 1;

		have &= stored[n];
		switch (operand_of(i)) {
		case CELL:
			if (BPF_CLASS(i->code) == BPF_ST || BPF_CLASS(i->code) == BPF_STX)
				have |= (u16)(1U << i->k);
			else if (!(have & 1U << i->k))
				return false;
			break;
		case TARGET:
			next[i->k] &= have;
			have = 0xffff; /* nothing comes to the next instruction from here */
			break;
		case BRANCH:
			next[i->jt] &= have;
			next[i->jf] &= have;
			have = 0xffff;
			break;
		default:
			break;
		}
	}
	return true;
}

int bpf_check(const struct sock_filter *program, u32 len, u16 *scratch)
{
	_Static_assert(BPF_MEMWORDS == 16, "a bit of u16 for each word");
	for (u32 n = 0; n < len; n++)
		if (!is_valid(&program[n], len - n - 1))
			return -EINVAL;
	if (BPF_CLASS(program[len - 1].code) != BPF_RET)
		return -EINVAL;
	return loads_follow_stores(program, len, scratch) ? 0 : -EINVAL;
}

/* As bpf_convert_filter in Linux's net/core/filter.c. */
static u32 translated(const struct sock_filter *i)
{
	u32 constant = BPF_SRC(i->code) == BPF_K && (s32)i->k < 0; /* is loaded first */

	if (i->code == (BPF_RET | BPF_K))
		return 2;
	if (i->code == (BPF_ALU | BPF_DIV | BPF_X))
		return 5; /* with a test for 0 */
	if (operand_of(i) != BRANCH)
		return 1;
	if (i->jf == 0 || (i->jt == 0 && BPF_OP(i->code) != BPF_JSET))
		return constant + 1;
	return constant + 2;
}

u32 bpf_translated_len(const struct sock_filter *program, u32 len)
{
	u32 n = 3; /* both registers are cleared, and the address of the data is kept */

	for (u32 at = 0; at < len; at++)
		n += translated(&program[at]);
	return n;
}

/* The arithmetic of an instruction, except a division by 0. */
static u32 calculate(u16 op, u32 a, u32 b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default: /* BPF_NEG */
		return -a;
	}
}

static bool compare(u16 op, u32 a, u32 b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGE:
		return a >= b;
	case BPF_JGT:
		return a > b;
	default: /* BPF_JSET */
		return a & b;
	}
}

/* Returns what an instruction of class BPF_LD or BPF_LDX loads. */
static u32 load(const struct sock_filter *i, const u32 *data, const u32 *memory)
{
	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		return data[i->k / sizeof(u32)];
	case BPF_MEM:
		return memory[i->k];
	case BPF_LEN:
		return sizeof(struct seccomp_data);
	default: /* BPF_IMM */
		return i->k;
	}
}

u32 bpf_run(const struct sock_filter *program, const struct seccomp_data *data)
{
	u32 word[DATA_WORDS], memory[BPF_MEMWORDS], a = 0, x = 0;

	memcpy(word, data, sizeof(word));
	for (const struct sock_filter *i = program;; i++) {
		u32 b = BPF_SRC(i->code) == BPF_X ? x : i->k;
		u16 op = BPF_OP(i->code);

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			a = load(i, word, memory);
			break;
		case BPF_LDX:
			x = load(i, word, memory);
			break;
		case BPF_ST:
			memory[i->k] = a;
			break;
		case BPF_STX:
			memory[i->k] = x;
			break;
		case BPF_ALU:
			if (op == BPF_DIV && b == 0)
				return 0;
			a = calculate(op, a, b);
			break;
		case BPF_JMP:
			if (op == BPF_JA)
				i += i->k;
			else
				i += compare(op, a, b) ? i->jt : i->jf;
			break;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TXA)
				a = x;
			else
				x = a;
			break;
		default: /* BPF_RET */
			return BPF_RVAL(i->code) == BPF_A ? a : i->k;
		}
	}
}
