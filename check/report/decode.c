// SPDX-License-Identifier: MIT
/*
 * Zydis decodes the instruction; this file chooses the operand that faulted. The address of a page
 * fault is the first byte that could not be accessed, which may be in the middle of the access.
 */
#include <stdio.h>
#include <string.h>
#include <Zydis/Zydis.h>
#include "check/report/decode.h"
#include "check/report/maps.h"

#define ALIGNED_LEAST 16 /* bytes of the smallest operand that an instruction requires aligned */

/* The index in .reg of each general register, by Zydis's number (the encoding's order). */
static const u8 gpr[16] = {
	USER_RAX, USER_RCX, USER_RDX, USER_RBX, USER_RSP, USER_RBP, USER_RSI, USER_RDI,
	USER_R8,  USER_R9,  USER_R10, USER_R11, USER_R12, USER_R13, USER_R14, USER_R15,
};

/*
 * Finds the value of an address register. Returns false for other registers (vectors of gathers).
 */
static bool register_value(const struct check_report *head, u64 next, ZydisRegister reg, u64 *value)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_INVALID:
		*value = 0;
		return true;
	case ZYDIS_REGCLASS_IP:
		*value = next;
		return true;
	case ZYDIS_REGCLASS_GPR64:
		*value = head->reg[gpr[ZydisRegisterGetId(reg) & 15]];
		return true;
	case ZYDIS_REGCLASS_GPR32:
		*value = (u32)head->reg[gpr[ZydisRegisterGetId(reg) & 15]];
		return true;
	default:
		return false;
	}
}

static bool operand_address(const struct check_report *head, const ZydisDecodedInstruction *insn,
			    const ZydisDecodedOperand *op, u64 *addr)
{
	u64 base, index;

	if (!register_value(head, head->reg[USER_RIP] + insn->length, op->mem.base, &base) ||
	    !register_value(head, 0, op->mem.index, &index))
		return false;
	*addr = base + index * op->mem.scale +
		(op->mem.disp.has_displacement ? (u64)op->mem.disp.value : 0);
	if (insn->address_width == 32)
		*addr = (u32)*addr;
	if (op->mem.segment == ZYDIS_REGISTER_FS)
		*addr += head->reg[USER_FS_BASE];
	if (op->mem.segment == ZYDIS_REGISTER_GS)
		*addr += head->reg[USER_GS_BASE];
	/* A push stores below RSP. */
	if (op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	    op->mem.base == ZYDIS_REGISTER_RSP && op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
		*addr -= op->size / 8;
	return true;
}

/* "fs: rax + rcx*4 + 16" */
static void operand_text(const ZydisDecodedOperand *op, char *text, size_t size)
{
	const char *base = ZydisRegisterGetString(op->mem.base);
	const char *index = ZydisRegisterGetString(op->mem.index);
	bool has_base = op->mem.base != ZYDIS_REGISTER_NONE;
	bool has_index = op->mem.index != ZYDIS_REGISTER_NONE;
	s64 disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
	int n;

	n = snprintf(text, size, "%s%s%s%s",
		     op->mem.segment == ZYDIS_REGISTER_FS   ? "fs: "
		     : op->mem.segment == ZYDIS_REGISTER_GS ? "gs: "
							    : "",
		     has_base ? base : "", has_base && has_index ? " + " : "",
		     has_index ? index : "");
	if (has_index && op->mem.scale > 1)
		n += snprintf(text + n, size - (size_t)n, "*%u", op->mem.scale);
	if (!has_base && !has_index)
		snprintf(text + n, size - (size_t)n, "0x%lx", (u64)disp);
	else if (disp)
		snprintf(text + n, size - (size_t)n, disp < 0 ? " - %lu" : " + %lu",
			 disp < 0 ? 0 - (u64)disp : (u64)disp);
}

static u32 operand_access(const ZydisDecodedOperand *op, u32 wanted)
{
	bool reads = op->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	bool writes = op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;

	if (wanted == CHECK_ACCESS_WRITE && writes)
		return CHECK_ACCESS_WRITE;
	if (wanted == CHECK_ACCESS_READ && reads)
		return CHECK_ACCESS_READ;
	if (wanted == CHECK_ACCESS_NONE)
		return writes ? CHECK_ACCESS_WRITE : reads ? CHECK_ACCESS_READ : CHECK_ACCESS_NONE;
	return CHECK_ACCESS_NONE;
}

/*
 * Returns whether the instruction at RIP made the bug. Other kinds are found in a call of the heap
 * library, and the registers are those of its system call.
 */
static bool found_by_access(u32 kind)
{
	switch (kind) {
	case CHECK_USE_AFTER_FREE:
	case CHECK_USE_AFTER_REALLOC:
	case CHECK_HEAP_OVERFLOW:
	case CHECK_HEAP_UNDERFLOW:
	case CHECK_NULL_POINTER:
	case CHECK_WILD_POINTER:
	case CHECK_STACK_OVERFLOW:
		return true;
	default:
		return false;
	}
}

/* Returns whether the fault was no page fault: then the kernel had neither address nor access. */
static bool is_refused(const struct check_report *head)
{
	return head->kind == CHECK_WILD_POINTER && head->access == CHECK_ACCESS_NONE;
}

/* Finds the target of a call, jump or return, if it is in a register or on top of the stack. */
static bool branch_target(const struct report_input *in, const ZydisDecodedInstruction *insn,
			  const ZydisDecodedOperand *op, u64 *target)
{
	u64 at = in->head.reg[USER_RSP] - in->head.stack_at;

	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_UNCOND_BR:
		return op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		       register_value(&in->head, 0, op[0].reg.value, target);
	case ZYDIS_CATEGORY_RET:
		if (at >= in->stack_len || in->stack_len - at < sizeof(*target))
			return false;
		memcpy(target, in->stack + at, sizeof(*target));
		return true;
	default:
		return false;
	}
}

static void jumped_to(struct report_decoded *d, u64 target)
{
	d->known = true;
	d->access = CHECK_ACCESS_EXEC;
	d->start = target;
}

/*
 * With a mask of AVX-512, only the elements whose bits are set are accessed. Reduces *start and
 * *size to the range from the first to the last of them. Returns false if none is.
 */
static bool apply_mask(const struct check_report *head, const ZydisDecodedInstruction *insn,
		       const ZydisDecodedOperand *op, u64 *start, u32 *size)
{
	ZydisRegister reg = insn->avx.mask.reg;
	u32 element = op->element_size / 8, count, first = 0, last;
	u64 mask;

	if (reg <= ZYDIS_REGISTER_K0 || reg > ZYDIS_REGISTER_K7 || !element || *size <= element ||
	    !(head->flags & CHECK_REPORT_OPMASK))
		return true;
	count = MIN(*size / element, 64u);
	mask = head->opmask[reg - ZYDIS_REGISTER_K0];
	if (count < 64)
		mask &= (1UL << count) - 1;
	if (!mask)
		return false;
	while (!(mask >> first & 1))
		first++;
	for (last = first; last + 1 < count && mask >> (last + 1);)
		last++;
	*start += (u64)first * element;
	*size = (last - first + 1) * element;
	return true;
}

/* Returns whether the CPU refuses start as the operand's address. */
static bool is_refused_operand(const struct check_report *head, u64 start, u32 size)
{
	return !report_is_canonical(start) ||
	       (is_refused(head) && size >= ALIGNED_LEAST && start % size);
}

void report_decode(const struct report_input *in, struct report_decoded *d)
{
	const struct check_report *head = &in->head;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisFormatter formatter;
	ZydisDecoder decoder;

	u64 target;

	memset(d, 0, sizeof(*d));
	/* Some processors fault only at the fetch, with RIP already at the jump's target. */
	if (is_refused(head) && (head->flags & CHECK_REPORT_REGS) &&
	    !report_is_canonical(head->reg[USER_RIP])) {
		jumped_to(d, head->reg[USER_RIP]);
		return;
	}
	if (!found_by_access(head->kind) || !(head->flags & CHECK_REPORT_REGS) || !head->insn_len ||
	    head->access == CHECK_ACCESS_EXEC || head->access >= CHECK_ACCESS_SYSCALL_READ)
		return;
	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, head->insn,
					       MIN(head->insn_len, (u32)sizeof(head->insn)), &insn,
					       op)) ||
	    ZYAN_FAILED(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) ||
	    ZYAN_FAILED(ZydisFormatterFormatInstruction(
		    &formatter, &insn, op, insn.operand_count_visible, d->text, sizeof(d->text),
		    head->reg[USER_RIP], NULL)))
		return;
	d->known = true;
	d->rep = insn.attributes &
		 (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
	if (is_refused(head) && branch_target(in, &insn, op, &target) &&
	    !report_is_canonical(target)) {
		jumped_to(d, target);
		return;
	}
	for (u32 i = 0; i < insn.operand_count; i++) {
		u32 size = op[i].size / 8, access;
		u64 start;

		if (op[i].type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    op[i].mem.type != ZYDIS_MEMOP_TYPE_MEM)
			continue;
		access = operand_access(&op[i], head->access);
		if (access == CHECK_ACCESS_NONE || !operand_address(head, &insn, &op[i], &start) ||
		    !apply_mask(head, &insn, &op[i], &start, &size))
			continue;
		if (!is_refused_operand(head, start, size) &&
		    (is_refused(head) || head->addr - start >= MAX(size, 1u)))
			continue;
		d->access = access;
		d->size = size;
		d->start = start;
		operand_text(&op[i], d->operand, sizeof(d->operand));
		return;
	}
}
