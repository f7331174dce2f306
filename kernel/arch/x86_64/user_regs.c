// SPDX-License-Identifier: MIT
/* A program's registers in the order that debuggers and the reporter use. */
#include "kernel/arch/x86_64/arch.h"
#include "kernel/kernel.h"

void arch_user_regs(const struct trapframe *f, u64 fsbase, u64 gsbase, u64 reg[USER_REGS])
{
	const u64 order[USER_REGS] = {
		[USER_R15] = f->r15,	   [USER_R14] = f->r14,
		[USER_R13] = f->r13,	   [USER_R12] = f->r12,
		[USER_RBP] = f->rbp,	   [USER_RBX] = f->rbx,
		[USER_R11] = f->r11,	   [USER_R10] = f->r10,
		[USER_R9] = f->r9,	   [USER_R8] = f->r8,
		[USER_RAX] = f->rax,	   [USER_RCX] = f->rcx,
		[USER_RDX] = f->rdx,	   [USER_RSI] = f->rsi,
		[USER_RDI] = f->rdi,	   [USER_ORIG_RAX] = f->orig_rax,
		[USER_RIP] = f->rip,	   [USER_CS] = f->cs,
		[USER_EFLAGS] = f->rflags, [USER_RSP] = f->rsp,
		[USER_SS] = f->ss,	   [USER_FS_BASE] = fsbase,
		[USER_GS_BASE] = gsbase,
	};

	memcpy(reg, order, sizeof(order));
}

u64 *arch_user_reg(struct trapframe *f, u32 reg)
{
	u64 *const word[USER_REGS] = {
		[USER_R15] = &f->r15,	    [USER_R14] = &f->r14,
		[USER_R13] = &f->r13,	    [USER_R12] = &f->r12,
		[USER_RBP] = &f->rbp,	    [USER_RBX] = &f->rbx,
		[USER_R11] = &f->r11,	    [USER_R10] = &f->r10,
		[USER_R9] = &f->r9,	    [USER_R8] = &f->r8,
		[USER_RAX] = &f->rax,	    [USER_RCX] = &f->rcx,
		[USER_RDX] = &f->rdx,	    [USER_RSI] = &f->rsi,
		[USER_RDI] = &f->rdi,	    [USER_ORIG_RAX] = &f->orig_rax,
		[USER_RIP] = &f->rip,	    [USER_CS] = &f->cs,
		[USER_EFLAGS] = &f->rflags, [USER_RSP] = &f->rsp,
		[USER_SS] = &f->ss,
	};

	return reg < USER_REGS ? word[reg] : NULL;
}
