// SPDX-License-Identifier: MIT
/*
 * Pending signals: sending, queueing, and taking them off the queue. See signal(7).
 *
 * Invariants: a bit of sigpending.set is set while the queue has an entry of that signal, or while
 * a signal was sent for which no entry could be made (its siginfo is lost, as on Linux). A standard
 * signal has at most one entry in a queue, besides those of timers; real-time signals are queued in
 * order. An ignored signal is not pending, unless it is blocked or its thread is traced. task_lock
 * guards all of this. sighand.lock guards the dispositions and is taken inside task_lock.
 */
#include "kernel/signal/signal.h"
#include "kernel/fs/fasync.h"
#include "kernel/fs/signalfd.h"
#include "kernel/check_hooks.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/freeze.h"
#include "kernel/fs/tty.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/stop.h"
#include "kernel/task/timer.h"
#include "kernel/task/user_counts.h"

#include <linux/resource.h>

/* Signals that an instruction causes: they are delivered before all others. */
#define SIGNALS_SYNCHRONOUS                                                                        \
	(SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGFPE) |    \
	 SIGBIT(SIGSYS))

#define SIG_RT_FIRST 32 /* signals from here on are queued */

struct sighand *sighand_new(void)
{
	struct sighand *h = kzalloc(sizeof(*h));

	if (h) {
		h->users = 1;
		mutex_init(&h->lock, LOCK_SIGHAND);
	}
	return h;
}

void sighand_put(struct sighand *h)
{
	if (__atomic_sub_fetch(&h->users, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(h);
}

int signal_exec_prepare(void)
{
	struct process *p = current_process();
	struct sighand *old = p->sighand, *h;

	if (__atomic_load_n(&old->users, __ATOMIC_RELAXED) == 1)
		return 0;
	h = sighand_new();
	if (!h)
		return -ENOMEM;
	mutex_lock(&task_lock);
	memcpy(h->action, old->action, sizeof(h->action));
	p->sighand = h;
	mutex_unlock(&task_lock);
	sighand_put(old);
	return 0;
}

void signal_exec(void)
{
	struct thread *t = current();
	struct sighand *h = t->proc->sighand;

	mutex_lock(&h->lock);
	for (int i = 0; i < NSIG; i++) {
		u64 handler = h->action[i].handler;

		h->action[i] = (struct sigaction_k){
			.handler = handler == (u64)SIG_IGN ? handler : (u64)SIG_DFL,
		};
	}
	mutex_unlock(&h->lock);
	t->altstack.sp = 0;
	t->altstack.size = 0;
	t->altstack.flags = SS_DISABLE;
}

siginfo_t signal_info(int sig, int code)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = code;
	info.si_pid = current_process()->pid;
	info.si_uid = current_creds()->ruid;
	return info;
}

static u64 handler_of(struct process *p, int sig)
{
	u64 handler;

	mutex_lock(&p->sighand->lock);
	handler = p->sighand->action[sig - 1].handler;
	mutex_unlock(&p->sighand->lock);
	return handler;
}

static bool is_ignored(struct process *p, const struct thread *t, int sig)
{
	u64 handler;

	/*
	 * A blocked signal stays pending, because its disposition may be different when it is
	 * unblocked. A signal that rt_sigtimedwait(2) waits for is ignored, unless it is blocked,
	 * too.
	 */
	if (t && (t->blocked & SIGBIT(sig)))
		return false;
	/* A tracer sees every signal of its tracee except SIGKILL. */
	if (t && ptrace_traced(t) && sig != SIGKILL)
		return false;
	handler = handler_of(p, sig);
	return handler == (u64)SIG_IGN ||
	       (handler == (u64)SIG_DFL && (SIGNALS_IGNORED & SIGBIT(sig)));
}

static void entry_free(struct sigpending *p, struct sigqueue *q)
{
	TAILQ_REMOVE(&p->queue, q, link);
	if (q->charged)
		user_uncharge(q->uid, USER_SIGNALS, 1);
	kfree(q);
}

static void flush(struct sigpending *p, sigset signals)
{
	struct sigqueue *q = TAILQ_FIRST(&p->queue);

	p->set &= ~signals;
	while (q) {
		struct sigqueue *next = TAILQ_NEXT(q, link);

		if (SIGBIT(q->info.si_signo) & signals)
			entry_free(p, q);
		q = next;
	}
}

void signal_flush(struct process *p, sigset signals)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	flush(&p->pending, signals);
	TAILQ_FOREACH (t, &p->threads, link)
		flush(&t->pending, signals);
}

static void flush_timer(struct sigpending *p, s32 id)
{
	struct sigqueue *q = TAILQ_FIRST(&p->queue), *next;
	sigset left = 0, voided = 0;

	for (; q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (q->info.si_code == SI_TIMER && q->info.si_tid == id) {
			voided |= SIGBIT(q->info.si_signo);
			entry_free(p, q);
		} else {
			left |= SIGBIT(q->info.si_signo);
		}
	}
	p->set &= ~(voided & ~left);
}

void signal_flush_timer(struct process *p, s32 id)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	flush_timer(&p->pending, id);
	TAILQ_FOREACH (t, &p->threads, link)
		flush_timer(&t->pending, id);
}

/*
 * Adds a signal to the set and the queue. force: ignores the limit. Returns 0, or -EAGAIN if a
 * real-time signal got no entry and was not sent by kill(2). Any other signal becomes pending
 * without siginfo then.
 */
static int enqueue(struct sigpending *p, const struct process *limits, const siginfo_t *info,
		   bool force)
{
	u64 limit = limits->rlimit[RLIMIT_SIGPENDING].cur;
	bool charged = info->si_code != SI_TIMER;
	u32 uid = limits->creds.ruid;
	int sig = info->si_signo;
	struct sigqueue *q = NULL;

	/* Each timer has at most one signal in the queue: timer.c does not send a second one. */
	if (sig < SIG_RT_FIRST && (p->set & SIGBIT(sig)) && info->si_code != SI_TIMER)
		return 0;
	if (force || sig == SIGKILL)
		limit = ~0UL;
	if (!charged || user_charge(uid, USER_SIGNALS, 1, limit)) {
		q = kmalloc(sizeof(*q));
		if (!q && charged)
			user_uncharge(uid, USER_SIGNALS, 1);
	}
	if (q) {
		q->info = *info;
		q->charged = charged;
		q->uid = uid;
		TAILQ_INSERT_TAIL(&p->queue, q, link);
	} else if (sig >= SIG_RT_FIRST && info->si_code != SI_USER) {
		return -EAGAIN;
	}
	p->set |= SIGBIT(sig);
	return 0;
}

void signal_kick(struct thread *t)
{
	ASSERT_HELD(&task_lock);
	/* The running thread looks at its pending signals before it goes back to its program. */
	if (t != current())
		sched_kick(t);
}

static bool wants(const struct thread *t, int sig)
{
	return !(t->blocked & SIGBIT(sig)) || (t->waited & SIGBIT(sig)) || sig == SIGKILL;
}

/*
 * Returns the thread that should take a signal of the process, or NULL if all block it. The running
 * thread is preferred, because it needs no kick. Next is the first thread, as on Linux.
 */
static struct thread *taker(struct process *p, int sig)
{
	struct thread *t;

	struct thread *self = current(); /* NULL on an idle vCPU that reads news from outside */

	if (self && self->proc == p && wants(self, sig))
		return self;
	TAILQ_FOREACH (t, &p->threads, link) {
		if (wants(t, sig))
			return t;
	}
	return NULL;
}

int signal_send_locked(struct process *p, struct thread *t, const siginfo_t *info)
{
	int sig = info->si_signo;
	struct thread *to;
	int err;

	ASSERT_HELD(&task_lock);
	if (p->exiting)
		return 0;
	/* signal(7): a stop signal and SIGCONT cancel each other. */
	if (sig == SIGCONT)
		signal_flush(p, SIGNALS_STOP);
	else if (SIGNALS_STOP & SIGBIT(sig))
		signal_flush(p, SIGBIT(SIGCONT));
	/* This happens even if the signal is blocked, and before any thread takes it. */
	if (sig == SIGCONT || sig == SIGKILL)
		process_continue(p, sig == SIGCONT);
	if (sig == SIGCONT)
		ptrace_continued(p);

	if (is_ignored(p, t ? t : TAILQ_FIRST(&p->threads), sig))
		return 0;
	err = enqueue(t ? &t->pending : &p->pending, p, info, false);
	if (err)
		return err;
	signalfd_notify(sig);
	to = t ? t : taker(p, sig);
	if (to && wants(to, sig))
		signal_kick(to);
	if (sig == SIGKILL)
		TAILQ_FOREACH (to, &p->threads, link)
			ptrace_wake(to);
	return 0;
}

void signal_queue_locked(struct thread *t, const siginfo_t *info)
{
	ASSERT_HELD(&task_lock);
	enqueue(&t->pending, t->proc, info, true);
}

void signal_group(s32 pgid, const siginfo_t *info)
{
	struct process *p;

	ASSERT_HELD(&task_lock);
	LIST_FOREACH (p, &all_processes, all)
		if (p->pgid == pgid)
			signal_send_locked(p, NULL, info);
}

bool signal_unwanted(int sig)
{
	struct thread *t = current();

	ASSERT_HELD(&task_lock);
	return (t->blocked & SIGBIT(sig)) || handler_of(t->proc, sig) == (u64)SIG_IGN;
}

int signal_send(struct process *p, struct thread *t, const siginfo_t *info)
{
	int err;

	mutex_lock(&task_lock);
	err = signal_send_locked(p, t, info);
	mutex_unlock(&task_lock);
	return err;
}

/*
 * Makes a signal pending that the running thread cannot escape: a signal that is blocked or ignored
 * gets its default action, which kills. kill: the same for a signal with a handler.
 */
static void force(const siginfo_t *info, bool kill)
{
	struct thread *t = current();
	struct sighand *h = t->proc->sighand;
	int sig = info->si_signo;
	struct sigaction_k *action = &h->action[sig - 1];

	mutex_lock(&task_lock);
	mutex_lock(&h->lock);
	if (kill || (t->blocked & SIGBIT(sig)) || action->handler == (u64)SIG_IGN) {
		action->handler = (u64)SIG_DFL;
		t->blocked &= ~SIGBIT(sig);
	}
	mutex_unlock(&h->lock);
	enqueue(&t->pending, t->proc, info, true);
	mutex_unlock(&task_lock);
}

/*
 * Returns true if the signal would kill the running thread's process, because it has no handler or
 * is blocked.
 */
static bool is_deadly(int sig)
{
	struct thread *t = current();
	struct sighand *h = t->proc->sighand;
	u64 handler;

	mutex_lock(&h->lock);
	handler = h->action[sig - 1].handler;
	mutex_unlock(&h->lock);
	return handler <= (u64)SIG_IGN || (t->blocked & SIGBIT(sig));
}

void signal_fault(int sig, int code, u64 addr, u64 trapno, u64 error)
{
	struct thread *t = current();
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = code;
	info.si_addr = (void *)addr;
	t->fault.trapno = trapno;
	t->fault.error = error;
	if (trapno == VEC_PF)
		t->fault.addr = addr;
	klog(1, "pid %d: signal %d (code %d) at %#lx, address %#lx", t->proc->pid, sig, code,
	     thread_frame(t)->rip, addr);
	if (check_on() && (sig == SIGSEGV || sig == SIGBUS) && is_deadly(sig))
		check_deadly_fault(addr, trapno, error);
	force(&info, false);
}

void signal_interrupts_next(void)
{
	mutex_lock(&task_lock);
	sched_kick(current());
	mutex_unlock(&task_lock);
}

void signal_force(const siginfo_t *info)
{
	force(info, false);
}

void signal_force_segv(int sig)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSEGV;
	info.si_code = SI_KERNEL;
	/* If the frame of a SIGSEGV handler does not fit, running that handler would loop. */
	force(&info, sig == SIGSEGV);
}

/*
 * Returns the lowest signal of the set, and those caused by instructions first. Returns 0 if the
 * set is empty.
 */
static int first_signal(sigset set)
{
	if (set & SIGNALS_SYNCHRONOUS)
		set &= SIGNALS_SYNCHRONOUS;
	return set ? __builtin_ctzl(set) + 1 : 0;
}

static int take_from(struct sigpending *p, sigset wanted, siginfo_t *info)
{
	int sig = first_signal(p->set & wanted);
	struct sigqueue *q, *found = NULL;
	bool more = false;

	if (sig == 0)
		return 0;
	TAILQ_FOREACH (q, &p->queue, link) {
		if (q->info.si_signo != sig)
			continue;
		if (found) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		p->set &= ~SIGBIT(sig);
	if (found) {
		*info = found->info;
		entry_free(p, found);
	} else {
		memset(info, 0, sizeof(*info));
		info->si_signo = sig;
		info->si_code = SI_USER;
	}
	if (info->si_code == SI_TIMER)
		timer_signal_taken(info);
	return sig;
}

int signal_take_locked(sigset wanted, siginfo_t *info)
{
	struct thread *t = current();
	int sig = take_from(&t->pending, wanted, info);

	ASSERT_HELD(&task_lock);
	return sig ? sig : take_from(&t->proc->pending, wanted, info);
}

int signal_take(sigset wanted, siginfo_t *info)
{
	int sig;

	mutex_lock(&task_lock);
	sig = signal_take_locked(wanted & ~SIGNALS_FORCED, info);
	mutex_unlock(&task_lock);
	return sig;
}

bool signal_pending(void)
{
	struct thread *t = current();

	return ((READ_ONCE(t->pending.set) | READ_ONCE(t->proc->pending.set)) & ~t->blocked) != 0 ||
	       READ_ONCE(t->dying) || ptrace_or_process_stop_due(t) || process_is_frozen(t);
}

bool signal_deadly_pending(void)
{
	const sigset harmless = SIGNALS_IGNORED | SIGNALS_STOP | SIGNALS_CORE;
	struct thread *t = current();
	bool deadly;
	sigset set;

	mutex_lock(&task_lock);
	set = t->pending.set | t->proc->pending.set;
	deadly = t->dying || (set & SIGBIT(SIGKILL));
	/* A tracer sees the signal first. */
	set = ptrace_traced(t) ? 0 : set & ~t->blocked & ~harmless;
	for (int sig = 1; sig <= NSIG && set && !deadly; sig++)
		deadly = (set & SIGBIT(sig)) && handler_of(t->proc, sig) == (u64)SIG_DFL;
	mutex_unlock(&task_lock);
	return deadly;
}

/*
 * Kicks the other threads of the process that can take these signals instead of t. task_lock is
 * held.
 */
static void hand_over(struct thread *t, sigset signals)
{
	struct thread *other;

	ASSERT_HELD(&task_lock);
	if (!signals)
		return;
	TAILQ_FOREACH (other, &t->proc->threads, link) {
		if (other != t && (signals & ~other->blocked))
			signal_kick(other);
	}
}

void signal_thread_ends(struct thread *t)
{
	ASSERT_HELD(&task_lock);
	flush(&t->pending, ~0UL);
	hand_over(t, t->proc->pending.set & ~t->blocked);
}

void signal_set_blocked(sigset blocked)
{
	struct thread *t = current();
	sigset given_up;

	blocked &= ~SIGNALS_FORCED;
	mutex_lock(&task_lock);
	/* Pending signals that this thread blocks from now on are for the other threads. */
	given_up = t->proc->pending.set & blocked & ~t->blocked;
	t->blocked = blocked;
	hand_over(t, given_up);
	mutex_unlock(&task_lock);
}

int signal_block_meanwhile(u64 mask, u64 size)
{
	struct thread *t = current();
	sigset blocked;

	if (mask == 0)
		return 0;
	if (size != sizeof(sigset))
		return -EINVAL;
	if (get_user(&blocked, mask))
		return -EFAULT;
	t->saved_blocked = t->blocked;
	t->restore_blocked = true;
	signal_set_blocked(blocked);
	return 0;
}

/* Exchanges the word for 0. The plain read comes first, because the word is mostly 0. */
static u64 take_word(u64 *word)
{
	return READ_ONCE(*word) ? __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST) : 0;
}

void signal_upcall(void)
{
	struct vcpu_data *v = arch_vcpu_data();
	/*
	 * The monitor writes news into vCPU 0's data page. All vCPUs read it there, so a thread
	 * sees news that came before it looked, wherever it runs.
	 */
	struct vcpu_data *news = arch_vcpu_data_of(0);
	u64 signals;

	/*
	 * The flag is cleared before the words are read: a thread that kicks writes its reason
	 * first.
	 */
	if (current() && READ_ONCE(current()->sched.kicked))
		(void)__atomic_exchange_n(&current()->sched.kicked, false, __ATOMIC_SEQ_CST);
	arch_upcall_taken();
	for (signals = take_word(&news->signals_arrived); signals; signals &= signals - 1) {
		siginfo_t info;

		/* The sender of a signal from outside is not known here. */
		memset(&info, 0, sizeof(info));
		info.si_signo = __builtin_ctzl(signals) + 1;
		info.si_code = SI_USER;
		/* A shell continues the whole job, which is the group of the first process. */
		if (info.si_signo == SIGCONT) {
			mutex_lock(&task_lock);
			signal_group(init_process->pgid, &info);
			mutex_unlock(&task_lock);
		} else {
			signal_send(init_process, NULL, &info);
		}
	}
	for (signals = take_word(&news->signals_terminal); signals; signals &= signals - 1) {
		int sig = __builtin_ctzl(signals) + 1;

		if (sig == SIGIO)
			async_arrived();
		else
			tty_signal(sig);
	}
	timers_expired(take_word(&news->timers_expired));
	if (current() && READ_ONCE(v->window_fault) &&
	    __atomic_exchange_n(&v->window_fault, 0, __ATOMIC_SEQ_CST))
		mm_revalidate_windows(current_mm());
}
