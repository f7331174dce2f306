// SPDX-License-Identifier: MIT
/*
 * The frame of a signal handler, laid out exactly as by Linux on x86-64
 * (arch/x86/kernel/signal_64.c there), because unwinders, debuggers and runtimes that switch
 * contexts in handlers depend on the layout.
 *
 *   high   the interrupted stack, or the end of the alternate stack
 *          128 bytes of red zone (ABI)
 *          XSAVE area, 64-byte aligned, closed by FP_XSTATE_MAGIC2
 *          siginfo
 *          ucontext: flags, alternate stack, registers, signal mask
 *   rsp -> address of the restorer, which calls rt_sigreturn
 *
 * The program owns this memory, so rt_sigreturn checks all that it reads from it.
 */
#include "kernel/define_syscall.h"
#include "kernel/signal/signal.h"
#include "kernel/arch/x86_64/xstate.h"
#include "kernel/kernel.h"
#include "kernel/mm/fpu_area.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/thread.h"

#include <asm/sigcontext.h>
#include <asm/ucontext.h>

struct rt_sigframe {
	u64 restorer;
	struct ucontext uc;
	siginfo_t info;
};
_Static_assert(offsetof(struct rt_sigframe, uc) == 8, "the restorer pops one word");
_Static_assert(sizeof(struct _fpx_sw_bytes) == XSAVE_SW_SIZE, "Linux's layout");
_Static_assert(sizeof(struct sigcontext) == 256, "Linux's layout");
_Static_assert(offsetof(struct ucontext, uc_sigmask) == 296, "Linux's layout");

#define RED_ZONE    128

/* The flags that rt_sigreturn takes from the frame. */
#define RFLAGS_USER (RFLAGS_AC | RFLAGS_DF | RFLAGS_TF | RFLAGS_RF | RFLAGS_ARITH)

/* The registers of sigcontext that a trap frame has under the same name. */
#define FRAME_REGISTERS(X)                                                                         \
	X(r8)                                                                                      \
	X(r9)                                                                                      \
	X(r10)                                                                                     \
	X(r11)                                                                                     \
	X(r12) X(r13) X(r14) X(r15) X(rdi) X(rsi) X(rbp) X(rbx) X(rdx) X(rax) X(rcx) X(rsp) X(rip)

static int push_fpstate(u64 to)
{
	u32 size = arch_fpu_size();
	u32 magic2 = FP_XSTATE_MAGIC2;
	struct _fpx_sw_bytes sw = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = size + FP_XSTATE_MAGIC2_SIZE,
		.xfeatures = arch_fpu_features(),
		.xstate_size = size,
	};
	struct xsave_area *area = fpu_area_saved();
	int err = -EFAULT;

	if (!area)
		return -EFAULT;
	memcpy(area->software, &sw, sizeof(sw));
	/* A handler that changes the x87 or SSE part need not know the bits of the header. */
	area->header.xstate_bv |= XSTATE_FP_SSE;
	if (copy_to_user(to, area, size) == 0 &&
	    copy_to_user(to + size, &magic2, sizeof(magic2)) == 0)
		err = 0;
	fpu_area_free(area);
	return err;
}

static bool on_altstack(const struct thread *t, u64 sp)
{
	return sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

/* The state that sigaltstack(2) reports for this stack pointer. */
static int altstack_state(const struct thread *t, u64 sp)
{
	if (t->altstack.size == 0)
		return SS_DISABLE;
	if (t->altstack.flags & SS_AUTODISARM)
		return 0;
	return on_altstack(t, sp) ? SS_ONSTACK : 0;
}

void signal_altstack_get(stack_t *ss, u64 sp)
{
	struct thread *t = current();

	memset(ss, 0, sizeof(*ss));
	ss->ss_sp = (void *)t->altstack.sp;
	ss->ss_size = t->altstack.size;
	ss->ss_flags = altstack_state(t, sp) | (int)(t->altstack.flags & SS_AUTODISARM);
}

int signal_altstack_set(const stack_t *ss, u64 sp)
{
	struct thread *t = current();
	u32 flags = (u32)ss->ss_flags;
	u32 mode = flags & ~SS_AUTODISARM;

	if (altstack_state(t, sp) == SS_ONSTACK)
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->altstack.sp = 0;
		t->altstack.size = 0;
	} else {
		if (ss->ss_size < MINSIGSTKSZ)
			return -ENOMEM;
		t->altstack.sp = (u64)ss->ss_sp;
		t->altstack.size = ss->ss_size;
	}
	t->altstack.flags = flags;
	return 0;
}

static void altstack_disarm(struct thread *t)
{
	t->altstack.sp = 0;
	t->altstack.size = 0;
	t->altstack.flags = SS_DISABLE;
}

int signal_frame_push(struct trapframe *frame, const struct sigframe_request *req)
{
	struct thread *t = current();
	const struct sigaction_k *action = req->action;
	struct rt_sigframe f;
	u64 sp = frame->rsp - RED_ZONE;
	u64 fpstate, at;
	bool must_fit = t->altstack.size && !(t->altstack.flags & SS_AUTODISARM) &&
			on_altstack(t, frame->rsp);

	/* On x86-64 a handler can only return through the restorer. */
	if (!(action->flags & SA_RESTORER))
		return -EFAULT;
	if ((action->flags & SA_ONSTACK) && altstack_state(t, sp) == 0) {
		sp = t->altstack.sp + t->altstack.size;
		must_fit = true;
	}
	fpstate = ALIGN_DOWN(sp - arch_fpu_size() - FP_XSTATE_MAGIC2_SIZE, XSAVE_ALIGN);
	/* Aligned as after a call: the stack is 16-byte aligned above the return address. */
	at = ALIGN_DOWN(fpstate - sizeof(f), 16UL) - 8;
	if (must_fit && !on_altstack(t, at))
		return -EFAULT;

	memset(&f, 0, sizeof(f));
	f.restorer = action->restorer;
	f.uc.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f.uc.uc_stack.ss_sp = (void *)t->altstack.sp;
	f.uc.uc_stack.ss_flags = (int)t->altstack.flags;
	f.uc.uc_stack.ss_size = t->altstack.size;
#define X(reg) f.uc.uc_mcontext.reg = frame->reg;
	FRAME_REGISTERS(X)
#undef X
	f.uc.uc_mcontext.eflags = frame->rflags;
	f.uc.uc_mcontext.cs = (u16)frame->cs;
	f.uc.uc_mcontext.ss = (u16)frame->ss;
	f.uc.uc_mcontext.err = t->fault.error;
	f.uc.uc_mcontext.trapno = t->fault.trapno;
	f.uc.uc_mcontext.cr2 = t->fault.addr;
	f.uc.uc_mcontext.oldmask = req->mask;
	f.uc.uc_mcontext.fpstate = (struct _fpstate *)fpstate;
	f.uc.uc_sigmask = req->mask;
	f.info = *req->info;

	if (push_fpstate(fpstate) || copy_to_user(at, &f, sizeof(f)))
		return -EFAULT;

	if (t->altstack.flags & SS_AUTODISARM)
		altstack_disarm(t);
	frame->rdi = (u64)req->sig;
	frame->rsi = at + offsetof(struct rt_sigframe, info);
	frame->rdx = at + offsetof(struct rt_sigframe, uc);
	/* A handler that was declared without prototype expects the number of vector registers. */
	frame->rax = 0;
	frame->rip = action->handler;
	frame->rsp = at;
	frame->cs = SEL_USER_CS;
	frame->ss = SEL_USER_DS;
	frame->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	arch_fpu_reset();
	return 0;
}

/*
 * Returns true if the state at this address is in XSAVE format. The software bytes say so; they are
 * valid only if their sizes are and the second magic number is where they put it. Returns false for
 * plain FXSAVE.
 */
static bool xstate_described(u64 from, const struct _fpx_sw_bytes *sw)
{
	u32 magic2;

	return sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size >= sizeof(struct xsave_area) &&
	       sw->xstate_size <= arch_fpu_size() && sw->xstate_size <= sw->extended_size &&
	       get_user(&magic2, from + sw->xstate_size) == 0 && magic2 == FP_XSTATE_MAGIC2;
}

static int pop_fpstate(u64 from)
{
	struct _fpx_sw_bytes sw;
	struct xsave_area *area;
	u64 size = XSAVE_LEGACY_SIZE;
	u64 features = XSTATE_FP_SSE;
	int err = -EFAULT;

	if (from == 0) {
		arch_fpu_reset();
		return 0;
	}
	if (get_user(&sw, from + XSAVE_SW_AT))
		return -EFAULT;
	if (xstate_described(from, &sw)) {
		size = sw.xstate_size;
		features = sw.xfeatures & arch_fpu_features();
	}
	area = fpu_area_new();
	if (!area)
		return -EFAULT;
	if (copy_from_user(area, from, size) == 0) {
		if (size == XSAVE_LEGACY_SIZE)
			area->header.xstate_bv = XSTATE_FP_SSE;
		/* The parts that the frame does not hold get their initial state. */
		area->header.xstate_bv &= features;
		err = arch_fpu_restore(area);
	}
	fpu_area_free(area);
	return err;
}

/*
 * Returns true if the registers of the frame are valid: the segments are the flat 64-bit ones,
 * which are the only ones that exist here, and rip is in the program's half. Other values would
 * fault on the way out, and Linux also sends SIGSEGV for these.
 */
static bool registers_valid(const struct ucontext *uc)
{
	u64 cs = uc->uc_mcontext.cs | 3;
	u64 ss = uc->uc_mcontext.ss | 3;

	/* Programs from before UC_STRICT_RESTORE_SS did not save ss. */
	if (!(uc->uc_flags & UC_STRICT_RESTORE_SS))
		ss = SEL_USER_DS;
	return cs == SEL_USER_CS && ss == SEL_USER_DS && uc->uc_mcontext.rip < USER_TOP;
}

/* Returns rax as it was when the signal came. */
DEFINE_SYSCALL0(rt_sigreturn)
{
	struct thread *t = current();
	struct trapframe *frame = thread_frame(t);
	struct ucontext uc;

	t->restart.fn = NULL;
	/* The handler's RET has popped the address of the restorer. */
	if (get_user(&uc, frame->rsp - 8 + offsetof(struct rt_sigframe, uc)) ||
	    !registers_valid(&uc))
		goto bad;
	signal_set_blocked(uc.uc_sigmask);
#define X(reg) frame->reg = uc.uc_mcontext.reg;
	FRAME_REGISTERS(X)
#undef X
	frame->rflags = (frame->rflags & ~(u64)RFLAGS_USER) | (uc.uc_mcontext.eflags & RFLAGS_USER);
	frame->cs = SEL_USER_CS;
	frame->ss = SEL_USER_DS;
	frame->orig_rax = (u64)-1; /* not the result of a system call that may be restarted */
	if (pop_fpstate((u64)uc.uc_mcontext.fpstate))
		goto bad;
	/*
	 * Linux ignores an alternate stack that cannot be set, because the handler may have changed
	 * it.
	 */
	signal_altstack_set(&uc.uc_stack, frame->rsp);
	return (s64)frame->rax;

bad:
	frame->orig_rax = (u64)-1;
	signal_force_segv(0);
	return 0;
}
