// SPDX-License-Identifier: MIT
/*
 * Decoding of traps: which exception the program has caused.
 *
 * The kernel itself causes no exception (uaccess.h); one from inside the kernel is a panic.
 */
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/operand.h"
#include "kernel/arch/x86_64/ring.h"
#include "kernel/arch/x86_64/stubs.h"

static const char *const vector_name[VEC_COUNT] = {
	[VEC_DE] = "divide error",
	[VEC_DB] = "debug",
	[VEC_NMI] = "NMI",
	[VEC_BP] = "breakpoint",
	[VEC_OF] = "overflow",
	[VEC_BR] = "bounds",
	[VEC_UD] = "invalid opcode",
	[VEC_NM] = "no FPU",
	[VEC_DF] = "double fault",
	[VEC_TS] = "invalid TSS",
	[VEC_NP] = "segment not present",
	[VEC_SS] = "stack segment",
	[VEC_GP] = "general protection",
	[VEC_PF] = "page fault",
	[VEC_MF] = "x87 error",
	[VEC_AC] = "alignment check",
	[VEC_XM] = "SIMD error",
};

u32 arch_fpu_exceptions(u64 vector)
{
	u32 flags, masks;

	if (vector == VEC_XM) {
		u32 mxcsr;

		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		flags = mxcsr & 0x3f;
		masks = mxcsr >> 7 & 0x3f;
	} else {
		u16 cw, sw;

		__asm__ volatile("fnstcw %0; fnstsw %1" : "=m"(cw), "=m"(sw));
		flags = sw & 0x3f;
		masks = cw & 0x3f;
	}
	return flags & ~masks;
}

/*
 * Returns whether the kernel caused the trap. In the ring-3 mode a program can jump into the
 * kernel's text. While in_program is set, only the way out runs kernel code on a kernel stack, so a
 * trap elsewhere in the text is the program's.
 */
static bool from_kernel(const struct trapframe *f, bool in_program)
{
	if (!ring3_mode)
		return (f->cs & 3) == 0;
	return f->rip >= KERNEL_BASE &&
	       (f->rsp >= KERNEL_BASE || f->rsp - physmap_base < PHYSMAP_SIZE) &&
	       (!in_program || (f->rip >= (u64)exit_start && f->rip < (u64)exit_end));
}

void arch_trap_panic(const struct trapframe *f)
{
	const char *name = f->vector < VEC_COUNT ? vector_name[f->vector] : NULL;

	panic("exception %lu (%s) in the kernel: rip kernel+%#lx error %#lx address %#lx rsp %#lx",
	      f->vector, name ? name : "?", f->rip - boot->kernel_va, f->error,
	      arch_fault_address(), f->rsp);
}

/* Longest store for which operand_stores returns an address: FSAVE's 108 bytes, or a vector. */
#define STORE_MAX 128

bool arch_may_store(const struct trapframe *f, u64 start, u64 len)
{
	const u64 gpr[] = {f->rax, f->rcx, f->rdx, f->rbx, f->rsp, f->rbp, f->rsi, f->rdi,
			   f->r8,  f->r9,  f->r10, f->r11, f->r12, f->r13, f->r14, f->r15};
	u8 insn[INSN_MAX];
	u32 bytes = arch_needs_user_bytes(insn, f->rip, sizeof(insn));
	u64 addr;

	switch (operand_stores(insn, bytes, f->rip, gpr, &addr)) {
	case OPERAND_NONE:
		return false;
	case OPERAND_AT:
		return addr < start + len && start < addr + STORE_MAX;
	default:
		return true;
	}
}

/* The invalid opcode is a general protection fault that the host reports so: operand.c. */
static bool is_disguised(const struct trapframe *f)
{
	const u64 gpr[] = {f->rax, f->rcx, f->rdx, f->rbx, f->rsp, f->rbp, f->rsi, f->rdi,
			   f->r8,  f->r9,  f->r10, f->r11, f->r12, f->r13, f->r14, f->r15};
	u8 insn[INSN_MAX];
	u32 len = arch_needs_user_bytes(insn, f->rip, sizeof(insn));

	return operand_is_not_canonical(insn, len, f->rip, gpr);
}

/*
 * If the program was in a stub, sets f->rip to the address in its text that the stub stands for.
 * Returns false if a single-stepped program has only executed the jump to the stub; the page is
 * then unpatched, so that the program goes on with its own instructions, one by one.
 */
static bool leave_stub(struct trapframe *f)
{
	bool entered = stub_entered(f->rip);
	u64 native;

	if (!stub_native(f->rip, &native))
		return true;
	f->rip = native;
	if (f->vector != VEC_DB || !entered)
		return true;
	arch_needs_unpatched(native);
	return false;
}

/*
 * The program jumped to a SYSCALL that a jump has replaced. Makes the frame as if the program had
 * executed the SYSCALL.
 */
static void make_syscall(struct trapframe *f)
{
	f->vector = TRAP_SYSCALL;
	f->error = 0;
	f->orig_rax = f->rax;
	f->rax = (u64)-ENOSYS;
	f->rip += SYSCALL_SIZE;
	f->rflags &= ~(u64)RFLAGS_RF;
	f->rcx = f->rip;
	f->r11 = f->rflags;
}

static u64 ring3_trap_vector(struct trapframe *f)
{
	if (!leave_stub(f))
		return ARCH_TRAP_DONE;
	/*
	 * SYSCALL with TF set: in ring-3 mode the CPU masks no flags, and traps at the entry's
	 * first instruction, before anything is on the kernel stack. The frame becomes what the
	 * entry code makes of a system call.
	 */
	if (f->vector == VEC_DB && f->rip == (u64)arch_vcpu_data() - PAGE_SIZE) {
		f->orig_rax = f->rax;
		f->rax = (u64)-ENOSYS;
		f->vector = TRAP_SYSCALL;
		f->error = 0;
		f->rip = f->rcx;
		f->rflags = f->r11;
		return ARCH_TRAP_SYSCALL;
	}
	/* With TF set, the CPU would have trapped behind the emulated instruction. */
	if (f->vector == VEC_GP && cpuid_emulate(f))
		return f->rflags & RFLAGS_TF ? VEC_DB : ARCH_TRAP_DONE;
	if (f->vector == VEC_UD && arch_needs_is_patched(f->rip)) {
		if (cpuid_emulate(f))
			return ARCH_TRAP_DONE;
		make_syscall(f);
		return ARCH_TRAP_SYSCALL;
	}
	if (f->vector == VEC_UD && is_disguised(f))
		return VEC_GP;
	return f->vector;
}

u64 arch_trap_vector(struct trapframe *f)
{
	struct vcpu_data *d = arch_vcpu_data();
	bool in_program = d->in_program;

	d->in_program = 0;
	if (f->vector != VEC_UPCALL && from_kernel(f, in_program))
		arch_trap_panic(f);
	return ring3_mode ? ring3_trap_vector(f) : f->vector;
}

void arch_syscall_from_stub(struct trapframe *f)
{
	u64 native;

	if (f->rip >= KERNEL_BASE && stub_native(f->rip, &native))
		f->rip = f->rcx = native;
	else if (!arch_get_gsbase())
		arch_set_gsbase(0); /* the kernel's again: a null selector in GS cleared it */
}
