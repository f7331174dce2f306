// SPDX-License-Identifier: MIT
/*
 * Delivery of signals, the last step before a program goes on. The order is that of Linux: take a
 * signal and act by its disposition (ignore, stop, end the process, or build the frame of a
 * handler), until no signal is left. After that a system call that was interrupted, and for which
 * no handler ran, is restarted.
 */
#include "kernel/signal/signal.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/task/core.h"
#include "kernel/task/exit.h"
#include "kernel/task/freeze.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/stop.h"
#include "kernel/trace.h"

#include <asm/unistd.h>

#define SYSCALL_INSN_SIZE 2

/*
 * Returns true if the frame is that of a system call with its result in rax. It is not if the frame
 * is of a trap, or if sigreturn has set the registers.
 */
static bool syscall_result(const struct trapframe *frame)
{
	return frame->vector == TRAP_SYSCALL && (s64)frame->orig_rax >= 0;
}

static void restart(struct trapframe *frame, u64 nr)
{
	frame->rax = nr;
	frame->rip -= SYSCALL_INSN_SIZE;
}

/*
 * A handler will run: signal(7), "Interruption of system calls and library functions by signal
 * handlers".
 */
static void fix_interrupted(struct trapframe *frame, const struct sigaction_k *action)
{
	if (!syscall_result(frame))
		return;
	switch (-(s64)frame->rax) {
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		frame->rax = -EINTR;
		break;
	case ERESTARTSYS:
		if (action->flags & SA_RESTART)
			restart(frame, frame->orig_rax);
		else
			frame->rax = -EINTR;
		break;
	case ERESTARTNOINTR:
		restart(frame, frame->orig_rax);
		break;
	}
}

/* No handler ran: the program does not see that the call was interrupted. */
static void resume_interrupted(struct trapframe *frame)
{
	if (!syscall_result(frame))
		return;
	switch (-(s64)frame->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		restart(frame, frame->orig_rax);
		break;
	case ERESTART_RESTARTBLOCK:
		restart(frame, __NR_restart_syscall);
		break;
	}
}

/*
 * When the first process stops, the monitor stops, and with it the whole sandbox: the shell that
 * started the sandbox sees that. The sandbox goes on when the monitor gets SIGCONT.
 */
static void stop(int sig)
{
	struct process *p = current_process();

	if (p == init_process && !ptrace_traced(current())) {
		hc_kill_outside(p->pid, (u64)sig);
		return;
	}
	mutex_lock(&task_lock);
	/* SIGCONT or SIGKILL may have been sent meanwhile: signal(7). */
	if (!(p->pending.set & (SIGBIT(SIGCONT) | SIGBIT(SIGKILL))) &&
	    (sig == SIGSTOP || !process_orphaned(p)))
		process_stop(p, sig);
	mutex_unlock(&task_lock);
}

void signal_ends_process(const siginfo_t *info)
{
	bool has_core = core_dump(info);

	process_exit(info->si_signo | (has_core ? 0x80 : 0));
}

/*
 * Takes signals until one has a handler, and copies its disposition to *action. Returns its number,
 * or 0 if no signal is left or a tracer took it. Does not return if a signal ends the process.
 */
static int next_handled(siginfo_t *info, struct sigaction_k *action)
{
	struct thread *t = current();
	struct sighand *h = t->proc->sighand;

	for (;;) {
		int sig;

		mutex_lock(&task_lock);
		sig = signal_take_locked(~t->blocked, info);
		if (sig == 0) {
			mutex_unlock(&task_lock);
			return 0;
		}
		mutex_unlock(&task_lock);
		if (ptrace_traced(t)) {
			sig = ptrace_signal_stop(sig, info);
			if (sig == 0)
				return 0;
		}
		mutex_lock(&h->lock);
		*action = h->action[sig - 1];
		if (action->handler > (u64)SIG_IGN && (action->flags & SA_RESETHAND))
			h->action[sig - 1].handler = (u64)SIG_DFL;
		mutex_unlock(&h->lock);

		if (boot->flags & BOOT_TRACE)
			trace_signal(info);
		if (action->handler > (u64)SIG_IGN)
			return sig;
		if (action->handler == (u64)SIG_IGN || (SIGNALS_IGNORED & SIGBIT(sig)))
			continue;
		if (SIGNALS_STOP & SIGBIT(sig))
			stop(sig);
		else
			signal_ends_process(info);
	}
}

static void enter_handler(struct trapframe *frame, int sig, const siginfo_t *info,
			  const struct sigaction_k *action)
{
	struct thread *t = current();
	struct sigframe_request req = {
		.sig = sig,
		.action = action,
		.info = info,
		.mask = t->restore_blocked ? t->saved_blocked : t->blocked,
	};
	sigset blocked = t->blocked | action->mask;

	if (t->ptrace.flag_is_ours) { /* the program must not see the flag in its saved registers */
		frame->rflags &= ~(u64)RFLAGS_TF;
		t->ptrace.flag_is_ours = false;
	}
	fix_interrupted(frame, action);
	if (signal_frame_push(frame, &req)) {
		signal_force_segv(sig);
		return;
	}
	t->restore_blocked = false;
	if (!(action->flags & SA_NODEFER))
		blocked |= SIGBIT(sig);
	signal_set_blocked(blocked);
	ptrace_handler_entered();
}

void signal_deliver(struct trapframe *frame)
{
	struct thread *t = current();
	struct sigaction_k action;
	siginfo_t info;
	int sig;

	signal_upcall();
	path_prefetch_drop(t);
	ptrace_settle(t);
	for (;;) {
		if (READ_ONCE(t->dying))
			thread_exit(0);
		if (ptrace_or_process_stop_due(t)) {
			if (ptrace_traced(t))
				ptrace_trap_stop();
			else
				process_park();
			continue;
		}
		if (process_is_frozen(t)) {
			freeze_park();
			continue;
		}
		if (signal_pending()) {
			sig = next_handled(&info, &action);
			if (sig)
				enter_handler(frame, sig, &info, &action);
			/* A tracer may have taken the signal, and others may be pending. */
			if (sig || signal_pending())
				continue;
		}
		if (ptrace_or_process_stop_due(t) || process_is_frozen(t))
			continue;
		if (!t->restore_blocked)
			break;
		/*
		 * The temporary mask of sigsuspend(2) and the like ends here, which may unblock a
		 * signal.
		 */
		t->restore_blocked = false;
		signal_set_blocked(t->saved_blocked);
	}
	resume_interrupted(frame);
}
