// SPDX-License-Identifier: MIT
/*
 * Exceptions: what the CPU could not do for the program becomes a page or a signal.
 *
 * The kernel itself takes no exception (uaccess.h); one from inside it is a panic.
 */
#include <asm/siginfo.h>
#include <asm/signal.h>
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/operand.h"
#include "kernel/arch/x86_64/ring.h"
#include "kernel/check_hooks.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/stats.h"

void trap_handle(struct trapframe *frame);
void exit_work(struct trapframe *frame);

/* Exceptions that are a signal whatever the program was doing; signal 0: not a program's. */
static const struct {
	u8 signal;
	short code;
	bool at_rip; /* si_addr is the instruction */
	const char *name;
} trap_signal[VEC_COUNT] = {
	[VEC_DE] = {SIGFPE, FPE_INTDIV, true, "divide error"},
	[VEC_DB] = {SIGTRAP, TRAP_TRACE, true, "debug"},
	[VEC_NMI] = {.name = "NMI"},
	[VEC_BP] = {SIGTRAP, SI_KERNEL, false, "breakpoint"},
	[VEC_OF] = {SIGSEGV, SI_KERNEL, false, "overflow"},
	[VEC_BR] = {SIGSEGV, SI_KERNEL, false, "bounds"},
	[VEC_UD] = {SIGILL, ILL_ILLOPN, true, "invalid opcode"},
	[VEC_NM] = {.name = "no FPU"},
	[VEC_DF] = {.name = "double fault"},
	[VEC_TS] = {SIGSEGV, SI_KERNEL, false, "invalid TSS"},
	[VEC_NP] = {SIGBUS, SI_KERNEL, false, "segment not present"},
	[VEC_SS] = {SIGBUS, SI_KERNEL, false, "stack segment"},
	[VEC_GP] = {SIGSEGV, SI_KERNEL, false, "general protection"},
	[VEC_MF] = {SIGFPE, 0, true, "x87 error"},
	[VEC_AC] = {SIGBUS, BUS_ADRALN, false, "alignment check"},
	[VEC_XM] = {SIGFPE, 0, true, "SIMD error"},
};

/* si_code of a floating-point exception, from the flags that are set and not masked. */
static int fpe_code(u64 vector)
{
	static const struct {
		u8 bit;
		u8 code;
	} cause[] = {
		{0, FPE_FLTINV}, {2, FPE_FLTDIV}, {3, FPE_FLTOVF},
		{4, FPE_FLTUND}, {1, FPE_FLTUND}, {5, FPE_FLTRES},
	};
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
	for (unsigned i = 0; i < ARRAY_SIZE(cause); i++)
		if (flags & ~masks & 1u << cause[i].bit)
			return cause[i].code;
	return FPE_FLTINV;
}

/*
 * In the ring-3 home a program can jump into the kernel: what faults there is the program, as long
 * as nothing but the way out runs on a kernel stack while a program is said to run.
 */
static bool from_kernel(const struct trapframe *f, bool in_program)
{
	if (!ring3_home)
		return (f->cs & 3) == 0;
	return f->rip >= KERNEL_BASE &&
	       (f->rsp >= KERNEL_BASE || f->rsp - physmap_base < PHYSMAP_SIZE) &&
	       (!in_program || (f->rip >= (u64)exit_start && f->rip < (u64)exit_end));
}

__attribute__((noreturn)) static void trap_panic(const struct trapframe *f)
{
	const char *name = f->vector < VEC_COUNT ? trap_signal[f->vector].name : NULL;

	panic("exception %lu (%s) in the kernel: rip kernel+%#lx error %#lx address %#lx rsp %#lx",
	      f->vector,
	      f->vector == VEC_PF ? "page fault"
	      : name		  ? name
				  : "?",
	      f->rip - boot->kernel_va, f->error, ring_fault_address(), f->rsp);
}

static void page_fault(struct trapframe *f)
{
	u64 addr = ring_fault_address();
	struct mm_fault_info info;
	enum mm_access access = f->error & PF_FETCH   ? MM_EXEC
				: f->error & PF_WRITE ? MM_WRITE
						      : MM_READ;

	stats.page_faults++;
	if (mm_fault(current_mm(), addr, access, &info) == 0 || check_fault(f, addr, info.signal))
		return;
	/* The reserved bit tells of the host's shadow entries or of the physmap, not of the
	 * program. */
	signal_fault(info.signal, info.code, info.addr, VEC_PF, f->error & ~(u64)PF_RSVD);
}

/* Was the invalid opcode a general protection fault, as operand.c says? */
static bool is_disguised(const struct trapframe *f)
{
	const u64 gpr[] = {f->rax, f->rcx, f->rdx, f->rbx, f->rsp, f->rbp, f->rsi, f->rdi,
			   f->r8,  f->r9,  f->r10, f->r11, f->r12, f->r13, f->r14, f->r15};
	u8 insn[INSN_MAX];
	u32 len = sizeof(insn);

	while (len && copy_from_user(insn, f->rip, len) < 0)
		len--;
	return operand_is_not_canonical(insn, len, f->rip, gpr);
}

/* Each exception and upcall. The frame is the program's, unless the kernel is broken. */
void trap_handle(struct trapframe *f)
{
	struct vcpu_data *d = arch_vcpu_data();
	bool in_program = d->in_program;
	u64 v = f->vector;

	d->in_program = 0;
	if (v == VEC_UPCALL) {
		stats.upcalls++;
		return; /* exit_work looks at the reasons */
	}
	if (from_kernel(f, in_program))
		trap_panic(f);
	/*
	 * SYSCALL with TF set, ring-3 home: the CPU masks no flag there and traps on the door's
	 * first instruction, before anything is on the kernel stack. Go on untraced.
	 */
	if (ring3_home && v == VEC_DB && f->rip == (u64)d - PAGE_SIZE) {
		f->rflags &= ~(u64)RFLAGS_TF;
		return;
	}
	if (v == VEC_PF) {
		page_fault(f);
		return;
	}
	if (v == VEC_UD && ring3_home && is_disguised(f))
		v = VEC_GP;
	if (v >= VEC_COUNT || !trap_signal[v].signal)
		trap_panic(f);
	stats.traps++;
	signal_fault(trap_signal[v].signal,
		     v == VEC_MF || v == VEC_XM ? fpe_code(v) : trap_signal[v].code,
		     trap_signal[v].at_rip ? f->rip : 0, v, f->error);
}

/*
 * Ring-3 home: the monitor found the program in the kernel's text, or at the doorbell, where Linux
 * would have told it of a page fault (vm/upcall.c).
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

/* What waits before the program goes on. Called until the upcall word stays clear. */
void exit_work(struct trapframe *f)
{
	struct vcpu_data *d = arch_vcpu_data();

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
}
