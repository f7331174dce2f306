// SPDX-License-Identifier: MIT
/*
 * The links between tracers and tracees (ptrace.h). Each thread has the list of its tracees.
 *
 * A tracee that ends stays as a struct thread without a vCPU until its tracer has waited for it. A
 * leader stays as process.ended_leader, because the tracer sees the end of its process before the
 * parent does. Any other thread stays without its process, which may be freed before it.
 */
#include "kernel/task/ptrace_abi.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/signal/signal.h"
#include "kernel/task/creds.h"
#include "kernel/task/exit.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/stop.h"

void ptrace_tell_tracer(struct thread *t, int code, int status)
{
	struct process *tracer = t->ptrace.tracer->proc;
	const struct sigaction_k *action;
	siginfo_t info;

	ASSERT_HELD(&task_lock);
	if (tracer->exiting)
		return;
	action = &tracer->sighand->action[SIGCHLD - 1];
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGCHLD;
	info.si_code = code;
	info.si_pid = t->tid;
	info.si_uid = t->proc ? t->proc->creds.ruid : t->ptrace.uid;
	info.si_status = status;
	/* Ends are always reported; stops only to a tracer that wants to hear of stops. */
	if (code != CLD_TRAPPED ||
	    (action->handler != (u64)SIG_IGN && !(action->flags & SA_NOCLDSTOP)))
		signal_send_locked(tracer, NULL, &info);
	wait_notify(tracer);
}

bool ptrace_has_news(const struct thread *t)
{
	ASSERT_HELD(&task_lock);
	return t->ptrace.stopped && !t->ptrace.listening && t->ptrace.code;
}

bool ptrace_by_unprivileged(const struct thread *t)
{
	const struct thread *tracer = t->ptrace.tracer;

	ASSERT_HELD(&task_lock);
	return tracer && !(tracer->creds.cap_effective >> CAP_SYS_PTRACE & 1);
}

void ptrace_attach(struct thread *t, struct thread *tracer, bool seized, u32 options)
{
	struct ptrace_state *s = &t->ptrace;

	ASSERT_HELD(&task_lock);
	s->seized = seized;
	s->options = options;
	s->run = PTRACE_RUN;
	s->step = s->trap = s->notify = s->stopped = s->listening = s->ending = false;
	s->code = 0;
	s->message = 0;
	memset(s->debug, 0, sizeof(s->debug));
	TAILQ_INSERT_TAIL(&tracer->ptrace.tracees, t, ptrace.link);
	__atomic_store_n(&s->tracer, tracer, __ATOMIC_RELAXED);
}

static void unlink(struct thread *t)
{
	TAILQ_REMOVE(&t->ptrace.tracer->ptrace.tracees, t, ptrace.link);
	__atomic_store_n(&t->ptrace.tracer, NULL, __ATOMIC_RELAXED);
	t->ptrace.options = 0;
}

/* Frees a tracee that has ended. */
static void forget(struct thread *t)
{
	if (t->proc && t->proc->ended_leader == t)
		t->proc->ended_leader = NULL;
	unlink(t);
	thread_free(t);
}

void ptrace_detach(struct thread *t)
{
	struct process *p = t->proc, *tracer = t->ptrace.tracer->proc;

	ASSERT_HELD(&task_lock);
	if (t->ptrace.zombie) {
		bool parents_turn = p && p->zombie && p->parent != tracer;

		forget(t);
		if (parents_turn)
			process_tell_end(p);
		return;
	}
	unlink(t);
	t->ptrace.run = PTRACE_RUN;
	t->ptrace.step = t->ptrace.trap = t->ptrace.notify = false;
	memset(t->ptrace.debug, 0, sizeof(t->ptrace.debug));
	if (t->ptrace.stopped) {
		t->ptrace.stopped = false;
		t->ptrace.word++;
		unpark(&t->ptrace.word, 1);
	} else {
		signal_kick(t); /* it drops TF and debug registers on its way out */
	}
}

void ptrace_new_thread(struct thread *child, int event, bool forced)
{
	struct thread *self = current();
	const struct ptrace_state *s = &self->ptrace;
	siginfo_t info;

	ASSERT_HELD(&task_lock);
	if (!s->tracer || (!(event && s->options & 1U << event) && !forced))
		return;
	ptrace_attach(child, s->tracer, s->seized, s->options);
	if (s->seized) {
		child->ptrace.trap = true;
		return;
	}
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSTOP;
	info.si_code = SI_USER;
	signal_queue_locked(child, &info);
}

void ptrace_tracer_ends(struct thread *t)
{
	struct thread *tracee;

	ASSERT_HELD(&task_lock);
	while ((tracee = TAILQ_FIRST(&t->ptrace.tracees))) {
		struct process *p = tracee->ptrace.zombie ? NULL : tracee->proc;
		bool kill = tracee->ptrace.options & PTRACE_O_EXITKILL;
		siginfo_t info;

		if (kill && p) {
			memset(&info, 0, sizeof(info));
			info.si_signo = SIGKILL;
			info.si_code = SI_KERNEL;
			signal_send_locked(p, tracee, &info);
		}
		ptrace_detach(tracee);
	}
}

/* wait(2), NOTES: returns true if the tracer ignores the ends of its children. */
static bool ignores_ends(const struct process *tracer)
{
	const struct sigaction_k *action = &tracer->sighand->action[SIGCHLD - 1];

	return action->handler == (u64)SIG_IGN || (action->flags & SA_NOCLDWAIT);
}

bool ptrace_thread_ended(struct thread *t, int status)
{
	struct process *p = t->proc;
	struct ptrace_state *s = &t->ptrace;

	ASSERT_HELD(&task_lock);
	if (!s->tracer)
		return false;
	s->zombie = true;
	s->stopped = false;
	s->status = status;
	s->uid = p->creds.ruid;
	s->pgid = p->pgid;
	if (t->tid == p->pid) {
		p->ended_leader = t;
		return true;
	}
	t->proc = NULL;
	if (s->tracer->proc->exiting || ignores_ends(s->tracer->proc)) {
		unlink(t);
		return false;
	}
	ptrace_tell_tracer(t, exit_code_of(status),
			   status & 0x7f ? status & 0x7f : status >> 8 & 0xff);
	return true;
}

struct thread *ptrace_leader_tracer(const struct process *p)
{
	const struct thread *t = TAILQ_FIRST(&p->threads);

	ASSERT_HELD(&task_lock);
	if (p->ended_leader)
		return p->ended_leader->ptrace.tracer;
	return t && t->tid == p->pid ? t->ptrace.tracer : NULL;
}

void ptrace_leader_replaced(struct process *p)
{
	ASSERT_HELD(&task_lock);
	if (p->ended_leader)
		forget(p->ended_leader);
}

void ptrace_process_freed(struct process *p)
{
	ASSERT_HELD(&task_lock);
	if (p->ended_leader)
		forget(p->ended_leader);
}
