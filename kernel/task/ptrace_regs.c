// SPDX-License-Identifier: MIT
/*
 * See ptrace_regs.h. A tracer may write what Linux's arch/x86/kernel/ptrace.c allows, except for
 * the code and stack segments: only the flat 64-bit ones exist here.
 */
#include <linux/elf.h>
#include "common/x86.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/xstate.h"
#include "kernel/kernel.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace_debug.h"
#include "kernel/task/ptrace_regs.h"

/* struct user of sys/user.h; tests/unit/ptrace_regs_test.c compares these. */
#define USER_DEBUG_AT  848
#define USER_SIZE      912

/* Not every version of linux/elf.h has this name. */
#define NT_386_IOPERM_ 0x201

/* The flags that a tracer may change: CF PF AF ZF SF TF DF OF NT RF AC. */
#define FLAGS_SETTABLE 0x54dd5UL

static u64 get(const struct thread *t, u32 reg)
{
	u64 regs[USER_REGS];

	arch_user_regs(thread_frame(UNCONST(t)), t->ptrace.regs->fsbase, t->ptrace.regs->gsbase,
		       regs);
	if (reg == USER_EFLAGS && t->ptrace.flag_is_ours)
		regs[reg] &= ~(u64)RFLAGS_TF;
	return regs[reg];
}

static int set_flags(struct thread *t, u64 value)
{
	u64 *flags = &thread_frame(t)->rflags;

	if (value & RFLAGS_TF)
		t->ptrace.flag_is_ours = false; /* from now on TF is the program's own */
	else if (t->ptrace.flag_is_ours)
		value |= RFLAGS_TF;
	*flags = (*flags & ~FLAGS_SETTABLE) | (value & FLAGS_SETTABLE);
	return 0;
}

static int set(struct thread *t, u32 reg, u64 value)
{
	u64 *word = arch_user_reg(thread_frame(t), reg);

	switch (reg) {
	case USER_CS:
		return (u16)value == SEL_USER_CS ? 0 : -EIO;
	case USER_SS:
		return (u16)value == SEL_USER_DS ? 0 : -EIO;
	case USER_DS:
	case USER_ES:
	case USER_FS:
	case USER_GS:
		return (u16)value && (value & 3) != 3 ? -EIO : 0; /* no effect: all are flat */
	case USER_EFLAGS:
		return set_flags(t, value);
	case USER_FS_BASE:
	case USER_GS_BASE:
		if (value >= USER_TOP)
			return -EIO;
		if (reg == USER_FS_BASE)
			t->ptrace.regs->fsbase = value;
		else
			t->ptrace.regs->gsbase = value;
		return 0;
	default:
		*word = value;
		return 0;
	}
}

int ptrace_peek_user(struct thread *t, u64 offset, u64 *value)
{
	ASSERT_HELD(&task_lock);
	if (offset % sizeof(u64) || offset >= USER_SIZE)
		return -EIO;
	*value = 0;
	if (offset < USER_REGS * sizeof(u64))
		*value = get(t, (u32)(offset / sizeof(u64)));
	else if (offset - USER_DEBUG_AT < DEBUG_REGS * sizeof(u64))
		*value = ptrace_debug_get(t, (u32)(offset - USER_DEBUG_AT) / sizeof(u64));
	return 0;
}

int ptrace_poke_user(struct thread *t, u64 offset, u64 value)
{
	ASSERT_HELD(&task_lock);
	if (offset % sizeof(u64) || offset >= USER_SIZE)
		return -EIO;
	if (offset < USER_REGS * sizeof(u64))
		return set(t, (u32)(offset / sizeof(u64)), value);
	if (offset - USER_DEBUG_AT < DEBUG_REGS * sizeof(u64))
		return ptrace_debug_set(t, (u32)(offset - USER_DEBUG_AT) / sizeof(u64), value);
	return -EIO;
}

s64 ptrace_regset_size(u32 type)
{
	switch (type) {
	case NT_PRSTATUS:
		return USER_REGS * sizeof(u64);
	case NT_PRFPREG:
		return XSAVE_LEGACY_SIZE;
	case NT_X86_XSTATE:
		return arch_fpu_size();
	case NT_386_IOPERM_:
		return -ENXIO; /* no I/O ports */
	default:
		return -EINVAL;
	}
}

/*
 * Fills in the software bytes, in which debuggers look for the features, as on Linux: the layout
 * follows from these.
 */
static void describe(struct xsave_area *area)
{
	u64 features = arch_fpu_features();

	memset(area->software, 0, sizeof(area->software));
	memcpy(area->software, &features, sizeof(features));
}

int ptrace_regset_get(struct thread *t, u32 type, void *buf)
{
	struct xsave_area *fpu = t->ptrace.regs->fpu;

	ASSERT_HELD(&task_lock);
	if (type == NT_PRSTATUS) {
		for (u32 i = 0; i < USER_REGS; i++)
			((u64 *)buf)[i] = get(t, i);
		return 0;
	}
	if (!fpu)
		return -ENOMEM;
	if (type == NT_X86_XSTATE)
		describe(fpu);
	memcpy(buf, fpu, (u64)ptrace_regset_size(type));
	return 0;
}

static int set_general(struct thread *t, const u64 *value, u64 count)
{
	for (u32 i = 0; i < count; i++) {
		int err = set(t, i, value[i]);

		if (err)
			return err;
	}
	return 0;
}

/* Writes only the legacy part, which is what a program without AVX knows. */
static int set_legacy(struct xsave_area *fpu, const void *buf, u64 len)
{
	const struct xsave_area *new = buf;
	struct xsave_header header = fpu->header;

	if (len >= offsetof(struct xsave_area, mxcsr_mask) && !arch_fpu_mxcsr_valid(new->mxcsr))
		return -EINVAL;
	memcpy(fpu, buf, len);
	fpu->header = header;
	fpu->header.xstate_bv |= XSTATE_FP_SSE;
	return 0;
}

int ptrace_regset_set(struct thread *t, u32 type, const void *buf, u64 len)
{
	struct xsave_area *fpu = t->ptrace.regs->fpu;

	ASSERT_HELD(&task_lock);
	if (type == NT_PRSTATUS)
		return set_general(t, buf, len / sizeof(u64));
	if (!fpu)
		return -ENOMEM;
	if (type == NT_PRFPREG)
		return set_legacy(fpu, buf, len);
	if (len < (u64)ptrace_regset_size(type))
		return -EFAULT;
	if (!arch_fpu_valid(buf))
		return -EINVAL;
	memcpy(fpu, buf, (u64)ptrace_regset_size(type));
	return 0;
}
