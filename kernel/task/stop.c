// SPDX-License-Identifier: MIT
/*
 * Job control: stopped processes, and orphaned groups.
 *
 * .stopped is the signal that stopped the process. Its threads come to process_park on their way
 * out of the kernel and sleep on that word. When the last one sleeps, the parent is told
 * (CLD_STOPPED). SIGCONT and SIGKILL set the word to 0 when they are sent, even if they are
 * blocked.
 */
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/signal/signal.h"
#include "kernel/task/exit.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/stop.h"

/* Sends SIGCHLD for news of a child that has not ended, and wakes the parent's waiting threads. */
static void tell_parent(struct process *p, int code, int status)
{
	struct process *parent = p->parent;
	siginfo_t info;

	if (!parent || parent->exiting)
		return;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGCHLD;
	info.si_code = code;
	info.si_pid = p->pid;
	info.si_uid = p->creds.ruid;
	info.si_status = status;
	if (!(parent->sighand->action[SIGCHLD - 1].flags & SA_NOCLDSTOP))
		signal_send_locked(parent, NULL, &info);
	wait_notify(parent);
}

void process_stopped_check(struct process *p)
{
	ASSERT_HELD(&task_lock);
	if (!p->stopped || p->stop_report || p->parked < p->nthreads)
		return;
	p->stop_report = (s32)p->stopped;
	tell_parent(p, CLD_STOPPED, (int)p->stopped);
}

void process_stop(struct process *p, int sig)
{
	struct thread *t;
	bool again = p->stopped;

	ASSERT_HELD(&task_lock);
	if (p->group_exit)
		return;
	if (!again) {
		p->stop_report = 0;
		p->continued_report = false;
		__atomic_store_n(&p->stopped, (u32)sig, __ATOMIC_RELEASE);
	}
	TAILQ_FOREACH (t, &p->threads, link) {
		/* A tracer may have continued its tracees: they stop again. */
		if (ptrace_traced(t) && !t->ptrace.stopped)
			t->ptrace.trap = true;
		if (!again || ptrace_traced(t))
			signal_kick(t);
	}
}

void process_continue(struct process *p, bool report)
{
	ASSERT_HELD(&task_lock);
	if (!p->stopped)
		return;
	__atomic_store_n(&p->stopped, 0, __ATOMIC_RELEASE);
	unpark(&p->stopped, UNPARK_ALL);
	p->stop_report = 0;
	if (!report)
		return;
	p->continued_report = true;
	tell_parent(p, CLD_CONTINUED, SIGCONT);
}

void process_park(void)
{
	struct thread *t = current();
	struct process *p = t->proc;
	u32 sig;

	mutex_lock(&task_lock);
	p->parked++;
	process_stopped_check(p);
	while ((sig = p->stopped) && !t->dying && !ptrace_traced(t)) {
		mutex_unlock(&task_lock);
		park(&p->stopped, sig, PARK_FOREVER);
		signal_upcall();
		mutex_lock(&task_lock);
	}
	p->parked--;
	mutex_unlock(&task_lock);
}

/*
 * Returns true if a member of the group, other than without, has its parent in the same session but
 * in another group. The parent must not be without either.
 */
static bool group_has_tie(s32 pgid, s32 sid, const struct process *without)
{
	struct process *p;

	LIST_FOREACH (p, &all_processes, all) {
		const struct process *parent = p->parent;

		if (p->pgid != pgid || p->sid != sid || p == without || p->exiting)
			continue;
		if (!parent || (parent == init_process && p->ppid_outside))
			return true; /* its parent is the shell outside */
		if (parent != without && parent->sid == sid && parent->pgid != pgid)
			return true;
	}
	return false;
}

bool process_orphaned(struct process *p)
{
	ASSERT_HELD(&task_lock);
	return p->pgid != boot->pgid && !group_has_tie(p->pgid, p->sid, NULL);
}

static bool group_stopped(s32 pgid, s32 sid)
{
	struct process *p;

	LIST_FOREACH (p, &all_processes, all)
		if (p->pgid == pgid && p->sid == sid && p->stopped)
			return true;
	return false;
}

static void hang_up(s32 pgid, s32 sid)
{
	struct process *p;
	siginfo_t hup, cont;

	memset(&hup, 0, sizeof(hup));
	hup.si_signo = SIGHUP;
	hup.si_code = SI_KERNEL;
	cont = hup;
	cont.si_signo = SIGCONT;
	LIST_FOREACH (p, &all_processes, all) {
		if (p->pgid != pgid || p->sid != sid)
			continue;
		signal_send_locked(p, NULL, &hup);
		signal_send_locked(p, NULL, &cont);
	}
}

/* Hangs up the group if it has stopped members and is orphaned without p: POSIX, _exit(). */
static void check_group(struct process *p, s32 pgid, s32 sid)
{
	if (pgid == boot->pgid || !group_stopped(pgid, sid) || group_has_tie(pgid, sid, p))
		return;
	hang_up(pgid, sid);
}

void process_orphans(struct process *p)
{
	struct process *child;

	ASSERT_HELD(&task_lock);
	check_group(p, p->pgid, p->sid);
	TAILQ_FOREACH (child, &p->children, sibling)
		if (child->sid == p->sid && child->pgid != p->pgid)
			check_group(p, child->pgid, child->sid);
}
