// SPDX-License-Identifier: MIT
/* A program's registers, as debuggers and reports of bugs want them. */
#include "kernel/arch/x86_64/arch.h"
#include "kernel/kernel.h"

void arch_user_regs(const struct trapframe *f, u64 fsbase, u64 gsbase, u64 reg[CHECK_REGS])
{
	const u64 order[CHECK_REGS] = {
		[CHECK_R15] = f->r15,	    [CHECK_R14] = f->r14,
		[CHECK_R13] = f->r13,	    [CHECK_R12] = f->r12,
		[CHECK_RBP] = f->rbp,	    [CHECK_RBX] = f->rbx,
		[CHECK_R11] = f->r11,	    [CHECK_R10] = f->r10,
		[CHECK_R9] = f->r9,	    [CHECK_R8] = f->r8,
		[CHECK_RAX] = f->rax,	    [CHECK_RCX] = f->rcx,
		[CHECK_RDX] = f->rdx,	    [CHECK_RSI] = f->rsi,
		[CHECK_RDI] = f->rdi,	    [CHECK_ORIG_RAX] = f->orig_rax,
		[CHECK_RIP] = f->rip,	    [CHECK_CS] = f->cs,
		[CHECK_EFLAGS] = f->rflags, [CHECK_RSP] = f->rsp,
		[CHECK_SS] = f->ss,	    [CHECK_FS_BASE] = fsbase,
		[CHECK_GS_BASE] = gsbase,
	};

	memcpy(reg, order, sizeof(order));
}
