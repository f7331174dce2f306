// SPDX-License-Identifier: MIT
/*
 * Handling of traps, and of pending work before the program goes on.
 *
 * entry.S calls these functions on the thread's kernel stack (arch_needs.h); arch/x86_64/trap.c
 * finds out which exception it was. A page fault maps a page or becomes a signal; any other
 * exception becomes a signal.
 */
#include <asm/siginfo.h>
#include <asm/signal.h>
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/stubs.h"
#include "kernel/check_hooks.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/stats.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/ptrace_debug.h"

/* The signal of each exception except page faults; signal 0: a program cannot cause it. */
static const struct {
	u8 signal;
	short code;
	bool at_rip; /* si_addr is the instruction */
} trap_signal[VEC_COUNT] = {
	[VEC_DE] = {SIGFPE, FPE_INTDIV, true},	[VEC_DB] = {SIGTRAP, 0, true},
	[VEC_BP] = {SIGTRAP, SI_KERNEL, false}, [VEC_OF] = {SIGSEGV, SI_KERNEL, false},
	[VEC_BR] = {SIGSEGV, SI_KERNEL, false}, [VEC_UD] = {SIGILL, ILL_ILLOPN, true},
	[VEC_TS] = {SIGSEGV, SI_KERNEL, false}, [VEC_NP] = {SIGBUS, SI_KERNEL, false},
	[VEC_SS] = {SIGBUS, SI_KERNEL, false},	[VEC_GP] = {SIGSEGV, SI_KERNEL, false},
	[VEC_MF] = {SIGFPE, 0, true},					      /* code: fpe_code */
	[VEC_AC] = {SIGBUS, BUS_ADRALN, false}, [VEC_XM] = {SIGFPE, 0, true}, /* code: fpe_code */
};

/* si_code of a floating-point exception. */
static int fpe_code(u64 vector)
{
	static const struct {
		u8 bit; /* of arch_fpu_exceptions */
		u8 code;
	} cause[] = {
		{0, FPE_FLTINV}, {2, FPE_FLTDIV}, {3, FPE_FLTOVF},
		{4, FPE_FLTUND}, {1, FPE_FLTUND}, {5, FPE_FLTRES},
	};
	const u32 flags = arch_fpu_exceptions(vector);

	for (unsigned i = 0; i < ARRAY_SIZE(cause); i++)
		if (flags & 1u << cause[i].bit)
			return cause[i].code;
	return FPE_FLTINV;
}

/* si_code of an exception that is in trap_signal. */
static int signal_code(u64 vector)
{
	switch (vector) {
	case VEC_MF:
	case VEC_XM:
		return fpe_code(vector);
	case VEC_DB:
		return ptrace_debug_trap(current());
	default:
		return trap_signal[vector].code;
	}
}

u32 arch_needs_user_bytes(u8 *to, u64 va, u32 size)
{
	while (size && copy_from_user(to, va, size) < 0)
		size--;
	return size;
}

static void page_fault(struct trapframe *f)
{
	u64 addr = arch_fault_address();
	struct mm_fault_info info;
	enum mm_access access = f->error & PF_FETCH   ? MM_EXEC
				: f->error & PF_WRITE ? MM_WRITE
						      : MM_READ;

	STATS_INC(page_faults);
	current()->minor_faults++;
	if (mm_fault(current_mm(), addr, access, &info) == 0 || check_fault(f, addr, info.signal))
		return;
	/* PF_RSVD comes from the host's shadow entries or the physmap: hidden from the program. */
	signal_fault(info.signal, info.code, info.addr, VEC_PF, f->error & ~(u64)PF_RSVD);
}

/* Serves exceptions and upcalls. The frame is the program's: arch_trap_vector panics otherwise. */
void trap_handle(struct trapframe *f)
{
	u64 v = arch_trap_vector(f);

	/*
	 * A program's interrupts are always on. Where the host emulates ring 0, it keeps a flag of
	 * its own for the guest's interrupts, and an exception pushes that one.
	 */
	f->rflags |= RFLAGS_IF;
	if (v == ARCH_TRAP_DONE || (v == VEC_DB && ptrace_hides_step(current())))
		return;
	if (v == ARCH_TRAP_SYSCALL) {
		syscall_dispatch(f);
		return;
	}
	if (v == VEC_UPCALL) {
		STATS_INC(upcalls);
		return; /* exit_work handles the reasons */
	}
	if (v == VEC_PF) {
		page_fault(f);
		return;
	}
	if (v >= VEC_COUNT || !trap_signal[v].signal)
		arch_trap_panic(f);
	STATS_INC(traps);
	signal_fault(trap_signal[v].signal, signal_code(v), trap_signal[v].at_rip ? f->rip : 0, v,
		     f->error);
}

/*
 * Ring-3 mode: the monitor found a stray program, in the kernel's text or at the doorbell
 * (vm/upcall.c). Sends the signal that the page fault would cause on Linux.
 */
static void program_strayed(const struct trapframe *f)
{
	bool jumped = f->rip >= KERNEL_BASE;

	signal_fault(SIGSEGV, SEGV_MAPERR, jumped ? f->rip : DOORBELL_VA, VEC_PF,
		     PF_USER | (jumped ? PF_FETCH : 0));
}

/* The system call ended with one of the internal restart codes. */
static bool wants_restart(const struct trapframe *f)
{
	return f->vector == TRAP_SYSCALL && f->rax <= -(u64)ERESTARTSYS &&
	       f->rax >= -(u64)ERESTART_RESTARTBLOCK;
}

/* Does pending work before the program goes on. Called again until the upcall word stays clear. */
void exit_work(struct trapframe *f)
{
	struct vcpu_data *d;

	sched_before_program();
	d = arch_vcpu_data(); /* not before: the thread may have changed its vCPU */
	if (!READ_ONCE(d->upcall) && !wants_restart(f) && !signal_pending() &&
	    !current()->restore_blocked)
		return;
	arch_upcall_taken();
	if (READ_ONCE(d->window_fault) &&
	    __atomic_exchange_n(&d->window_fault, 0, __ATOMIC_SEQ_CST))
		mm_revalidate_windows(current_mm());
	if (READ_ONCE(d->stray) && __atomic_exchange_n(&d->stray, 0, __ATOMIC_SEQ_CST))
		program_strayed(f);
	signal_deliver(f);
	/*
	 * A timer or a signal from outside may have made threads ready. A program that makes no
	 * system call would keep them from a CPU for ever: nobody else looks while no ticks were
	 * asked for.
	 */
	sched_before_program();
}

/*
 * Ring-3 mode, where a program's SYSCALL may be replaced by a jump (mm/patch.h). A program whose
 * RIP is at such a jump goes on in the stub.
 */
void syscall_by_instruction(struct trapframe *f)
{
	if (stubs_on) {
		arch_syscall_from_stub(f);
		patch_note(current_mm(), f->rip - SYSCALL_SIZE, f->rax);
	}
	syscall_dispatch(f);
}

void call_by_stub(struct trapframe *f)
{
	u64 slot = f->error;

	f->rip = stub_return(slot);
	f->error = 0;
	if (stub_is_cpuid(slot)) {
		STATS_INC(cpuids_patched);
		cpuid_by_stub(f);
		return;
	}
	f->rcx = f->rip;
	STATS_INC(syscalls_patched);
	syscall_dispatch(f);
}

void arch_needs_cpuid_noted(u64 rip)
{
	if (stubs_on)
		patch_note(current_mm(), rip, PATCH_CPUID);
}

void arch_needs_unpatched(u64 rip)
{
	patch_undo_at(current_mm(), rip);
}

bool arch_needs_is_patched(u64 rip)
{
	return patch_has(current_mm(), rip);
}

u64 arch_needs_text(const void *text)
{
	return patch_address(current_mm(), text);
}

void exit_work_ring3(struct trapframe *f)
{
	u64 rip, end;

	/* If the way out was restarted, the frame already has the address in the stub. */
	if (f->rip >= KERNEL_BASE && stub_native(f->rip, &rip))
		f->rip = rip;
	exit_work(f);
	if (!stubs_on)
		return;
	rip = patch_resume(current_mm(), f->rip, &end);
	if (rip == f->rip)
		return;
	if (f->rflags & RFLAGS_TF) {
		patch_undo_at(current_mm(), f->rip);
	} else if (stub_leaves(rip) && !arch_gs_is_kernels()) {
		patch_stop(current_mm(), f->rip);
	} else {
		arch_vcpu_data()->stub_end = end;
		f->rip = rip;
	}
}

/* Flags that POPF may load in the kernel. TF is none of them: it would trap there. */
#define RFLAGS_POPF (RFLAGS_FIXED | RFLAGS_IF | RFLAGS_DF | RFLAGS_ARITH)

bool exit_work_fast(struct trapframe *f)
{
	exit_work_ring3(f);
	arch_vcpu_data()->resume = f->rip;
	return !(f->rflags & ~(u64)RFLAGS_POPF) && arch_gs_is_kernels();
}
