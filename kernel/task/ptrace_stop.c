// SPDX-License-Identifier: MIT
/*
 * Ptrace-stops: a tracee stops and tells its tracer (ptrace.h, ptrace(2)).
 *
 * The tracee sleeps in the kernel on a word of its own. Its registers are in its trap frame and in
 * a struct ptrace_regs on its stack, where the tracer reads and changes them under task_lock. The
 * tracee loads them when it goes on. SIGKILL ends each stop except that of PTRACE_EVENT_EXIT.
 */
#include "common/debugger.h"
#include "kernel/task/ptrace_abi.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/fpu_area.h"
#include "kernel/signal/signal.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/ptrace_debug.h"
#include "kernel/task/stop.h"

/* What a stop reports. */
struct report {
	u32 code;	       /* bits 8 and up of wait(2)'s status */
	const siginfo_t *info; /* NULL: no siginfo */
	bool ending;	       /* PTRACE_EVENT_EXIT */
	bool of_process;       /* the process stopped, or the tracer asked for a stop */
};

void ptrace_wake(struct thread *t)
{
	ASSERT_HELD(&task_lock);
	if (!t->ptrace.stopped)
		return;
	t->ptrace.word++;
	unpark(&t->ptrace.word, 1);
}

/* Returns true if the thread has to end, whatever its tracer wants. task_lock is held. */
static bool killed(const struct thread *t)
{
	return t->dying || ((t->pending.set | t->proc->pending.set) & SIGBIT(SIGKILL));
}

/*
 * Returns true if the next instruction is POPF, also with prefixes: after it, TF is the program's
 * own.
 */
static bool pops_flags(const struct trapframe *frame)
{
	u8 insn[4];
	u32 len = arch_needs_user_bytes(insn, frame->rip, sizeof(insn)), i = 0;

	while (i < len && (insn[i] == 0x66 || (insn[i] & 0xf0) == 0x40))
		i++;
	return i < len && insn[i] == 0x9d;
}

/* Makes RFLAGS.TF follow .step and .watched. */
static void set_trap_flag(struct thread *t)
{
	struct trapframe *frame = thread_frame(t);
	bool own = (frame->rflags & RFLAGS_TF) && !t->ptrace.flag_is_ours;

	if (t->ptrace.step || t->ptrace.watched) {
		frame->rflags |= RFLAGS_TF;
		t->ptrace.flag_is_ours = !own && (t->ptrace.watched || !pops_flags(frame));
	} else if (t->ptrace.flag_is_ours) {
		frame->rflags &= ~(u64)RFLAGS_TF;
		t->ptrace.flag_is_ours = false;
	}
}

void ptrace_settle(struct thread *t)
{
	ptrace_debug_load(t);
	if (t->ptrace.flag_is_ours)
		set_trap_flag(t);
}

bool ptrace_hides_step(struct thread *t)
{
	if (!t->ptrace.flag_is_ours || t->ptrace.step)
		return false;
	/*
	 * The step is left over from a tracer that is gone, or was made for a watchpoint that is
	 * not hit.
	 */
	if (t->ptrace.watched && ptrace_debug_look(t))
		return false;
	set_trap_flag(t);
	return true;
}

/* The thread goes on from here: a breakpoint may be at its next instruction. */
static void arm(struct thread *t)
{
	set_trap_flag(t);
	if (t->ptrace.watched && ptrace_debug_arm(t))
		signal_fault(SIGTRAP, TRAP_HWBKPT, thread_frame(t)->rip, VEC_DB, 0);
}

/* Loads the registers that the tracer may have changed, and frees regs->fpu. */
static void load_registers(struct thread *t, struct ptrace_regs *regs)
{
	struct trapframe *frame = thread_frame(t);

	arch_set_fsbase(regs->fsbase);
	arch_set_gsbase(regs->gsbase);
	if (regs->fpu)
		arch_fpu_restore(regs->fpu);
	fpu_area_free(regs->fpu);
	ptrace_debug_load(t);
	arm(t);
	/* On Linux, IRET would fault. */
	if (frame->rip >= USER_TOP && !READ_ONCE(t->dying))
		signal_force_segv(0);
}

/* Sleeps until the tracer lets the thread go on or ends, or until SIGKILL. task_lock is held. */
UNCHECKED_LOCKING static void sleep_stopped(struct thread *t)
{
	struct ptrace_state *s = &t->ptrace;

	ASSERT_HELD(&task_lock);
	while (s->stopped && (s->ending || !killed(t))) {
		u32 word = s->word;

		mutex_unlock(&task_lock);
		park(&s->word, word, PARK_FOREVER);
		signal_upcall();
		mutex_lock(&task_lock);
	}
	if (s->stopped)
		s->code = 0; /* killed */
}

/* Stops the running thread. Returns the signal to go on with, which the tracer gave, or 0. */
static u32 stop(const struct report *r)
{
	struct thread *t = current();
	struct ptrace_state *s = &t->ptrace;
	struct process *p = t->proc;
	struct ptrace_regs regs = {fpu_area_saved(), arch_get_fsbase(), arch_get_gsbase()};
	bool parked;
	u32 code = 0;

	mutex_lock(&task_lock);
	s->trap = false;
	if (r->of_process)
		s->notify = false;
	if (!s->tracer || (killed(t) && !r->ending))
		goto out;
	s->stopped = true;
	s->listening = false;
	s->ending = r->ending;
	s->code = r->code;
	s->has_info = r->info;
	if (r->info)
		s->info = *r->info;
	s->regs = &regs;
	ptrace_tell_tracer(t, CLD_TRAPPED, (int)(r->code & 0x7f));
	parked = r->of_process && p->stopped;
	p->parked += parked;
	process_stopped_check(p);
	sleep_stopped(t);
	p->parked -= parked;
	code = s->code;
	s->stopped = s->listening = s->ending = s->has_info = false;
	s->regs = NULL;
	s->code = 0;
out:
	mutex_unlock(&task_lock);
	load_registers(t, &regs);
	return code;
}

/*
 * Returns the siginfo that PTRACE_GETSIGINFO shows in events and syscall-stops: that of a signal
 * which nobody sent.
 */
static siginfo_t trap_info(int sig, u32 code)
{
	siginfo_t info = signal_info(sig, (int)code);

	info.si_pid = current()->tid;
	return info;
}

/*
 * Stops with a SIGTRAP, as ptrace_notify in Linux's kernel/signal.c. Returns the signal that the
 * tracer gave.
 */
static u32 notify(u32 code)
{
	siginfo_t info = trap_info(SIGTRAP, code);
	struct report r = {.code = code, .info = &info};

	return stop(&r);
}

static void event(int event, u64 message)
{
	current()->ptrace.message = message;
	notify(SIGTRAP | (u32)event << 8);
}

static bool has_option(const struct thread *t, int event)
{
	return ptrace_traced(t) && (READ_ONCE(t->ptrace.options) & 1U << event);
}

/* -- Signals ----------------------------------------------------------------------------------- */

int ptrace_signal_stop(int sig, siginfo_t *info)
{
	struct thread *t = current();
	struct report r = {.code = (u32)sig, .info = info};
	struct process *tracer;

	if (!ptrace_traced(t) || sig == SIGKILL)
		return sig;
	sig = (int)stop(&r);
	if (!sig)
		return 0;
	mutex_lock(&task_lock);
	/*
	 * PTRACE_SETSIGINFO may have changed the siginfo that was kept. If the tracer gave another
	 * signal, the tracer is its sender.
	 */
	*info = t->ptrace.info;
	if (sig != info->si_signo) {
		tracer = t->ptrace.tracer ? t->ptrace.tracer->proc : NULL;
		memset(info, 0, sizeof(*info));
		info->si_signo = sig;
		info->si_code = SI_USER;
		info->si_pid = tracer ? tracer->pid : 0;
		info->si_uid = tracer ? tracer->creds.ruid : 0;
	}
	/* A blocked signal stays pending until it is unblocked. */
	if ((t->blocked & SIGBIT(sig)) && sig != SIGKILL) {
		signal_send_locked(t->proc, t, info);
		sig = 0;
	}
	mutex_unlock(&task_lock);
	return sig;
}

void ptrace_trap_stop(void)
{
	struct thread *t = current();
	u32 sig = READ_ONCE(t->proc->stopped);
	struct report r = {.code = sig, .of_process = true};
	siginfo_t info;

	if (READ_ONCE(t->ptrace.seized)) {
		sig = sig ? sig : SIGTRAP;
		r.code = sig | PTRACE_EVENT_STOP << 8;
		info = trap_info((int)sig, r.code);
		r.info = &info;
		t->ptrace.message = 0;
	}
	if (r.code) {
		stop(&r);
		return;
	}
	/* The process was continued before the thread came here. */
	mutex_lock(&task_lock);
	t->ptrace.trap = t->ptrace.notify = false;
	mutex_unlock(&task_lock);
}

void ptrace_continued(struct process *p)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	TAILQ_FOREACH (t, &p->threads, link) {
		struct ptrace_state *s = &t->ptrace;

		if (!s->tracer || !s->seized)
			continue;
		s->notify = true;
		if (s->listening) {
			s->stopped = s->listening = false;
			s->code = 0;
			s->word++;
			unpark(&s->word, 1);
		} else if (!s->stopped) {
			signal_kick(t);
		}
	}
}

void ptrace_handler_entered(void)
{
	struct thread *t = current();

	if (ptrace_traced(t) && t->ptrace.step)
		notify(SIGTRAP);
	else if (t->ptrace.watched)
		arm(t);
}

/* -- System calls ------------------------------------------------------------------------------ */

static void syscall_stop(u64 message)
{
	struct thread *t = current();
	bool good = READ_ONCE(t->ptrace.options) & PTRACE_O_TRACESYSGOOD;
	u32 code = SIGTRAP | (good ? 0x80 : 0), sig;

	t->ptrace.message = message;
	sig = notify(code);
	/*
	 * If the tracer ends without having waited, the stop's own code is left. As on Linux, a
	 * plain SIGTRAP is sent then; the code with PTRACE_O_TRACESYSGOOD is not a signal.
	 */
	if (sig && sig <= NSIG) {
		siginfo_t info;

		memset(&info, 0, sizeof(info));
		info.si_signo = (int)sig;
		info.si_code = SI_KERNEL;
		signal_send(t->proc, t, &info);
	}
}

bool ptrace_syscall_enter(void)
{
	struct thread *t = current();
	enum ptrace_run run = READ_ONCE(t->ptrace.run);
	bool dies;

	if (run == PTRACE_RUN || !ptrace_traced(t))
		return true;
	syscall_stop(PTRACE_EVENTMSG_SYSCALL_ENTRY);
	mutex_lock(&task_lock);
	dies = killed(t);
	mutex_unlock(&task_lock);
	return !dies && run != PTRACE_RUN_SYSEMU;
}

void ptrace_syscall_exit(void)
{
	struct thread *t = current();

	if (!ptrace_traced(t))
		return;
	if (t->ptrace.watched) {
		if (t->ptrace.flag_is_ours && !t->ptrace.step)
			thread_frame(t)->r11 &= ~(u64)RFLAGS_TF;
		arm(t);
	}
	/* A step over the call, as user_single_step_report in Linux. */
	if (t->ptrace.step && thread_frame(t)->vector == TRAP_SYSCALL)
		signal_fault(SIGTRAP, TRAP_BRKPT, thread_frame(t)->rip, VEC_DB, 0);
	else if (READ_ONCE(t->ptrace.run) == PTRACE_RUN_SYSCALL)
		syscall_stop(PTRACE_EVENTMSG_SYSCALL_EXIT);
}

/* -- Events ------------------------------------------------------------------------------------ */

void ptrace_exit_event(int status)
{
	struct thread *t = current();
	siginfo_t info = trap_info(SIGTRAP, SIGTRAP | PTRACE_EVENT_EXIT << 8);
	struct report r = {.code = SIGTRAP | PTRACE_EVENT_EXIT << 8, .info = &info, .ending = true};

	if (!has_option(t, PTRACE_EVENT_EXIT))
		return;
	t->ptrace.message = (u64)status;
	stop(&r);
}

/* Returns true if the stub for gdb traces the running thread. */
static bool traced_by_debugger(void)
{
	bool traced;

	mutex_lock(&task_lock);
	traced = current()->ptrace.tracer && current()->ptrace.tracer->proc->pid == DEBUGGER_PID;
	mutex_unlock(&task_lock);
	return traced;
}

void ptrace_sandbox_ends(int status)
{
	siginfo_t info = trap_info(SIGTRAP, SIGTRAP | DEBUGGER_EVENT_END << 8);
	struct report r = {
		.code = SIGTRAP | DEBUGGER_EVENT_END << 8, .info = &info, .ending = true};

	if (!ptrace_traced(current()) || !traced_by_debugger())
		return;
	current()->ptrace.message = (u64)status;
	stop(&r);
}

void ptrace_bug(void)
{
	if (ptrace_traced(current()) && traced_by_debugger())
		event(DEBUGGER_EVENT_BUG, 0);
}

void ptrace_exec_event(s32 old_tid)
{
	struct thread *t = current();
	siginfo_t info;

	if (!ptrace_traced(t))
		return;
	t->ptrace.flag_is_ours = false; /* the new program begins with new flags */
	mutex_lock(&task_lock);
	memset(t->ptrace.debug, 0, sizeof(t->ptrace.debug));
	mutex_unlock(&task_lock);
	ptrace_debug_load(t);
	if (has_option(t, PTRACE_EVENT_EXEC)) {
		event(PTRACE_EVENT_EXEC, (u64)old_tid);
	} else if (!READ_ONCE(t->ptrace.seized)) {
		info = signal_info(SIGTRAP, SI_USER);
		signal_send(t->proc, t, &info);
	}
}

void ptrace_child_event(int what, s32 tid)
{
	if (has_option(current(), what))
		event(what, (u64)tid);
}

int ptrace_seccomp_event(u64 message)
{
	struct thread *t = current();
	bool dies;

	if (!has_option(t, PTRACE_EVENT_SECCOMP))
		return -ENOSYS;
	event(PTRACE_EVENT_SECCOMP, message);
	mutex_lock(&task_lock);
	dies = killed(t);
	mutex_unlock(&task_lock);
	return dies ? -EINTR : 0;
}
