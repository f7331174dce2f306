// SPDX-License-Identifier: MIT
/* The system calls of signal(7), except rt_sigreturn (frame.c). */
#include "kernel/define_syscall.h"
#include "kernel/signal/signal.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/hostcall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/creds.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

#include <linux/capability.h>
#include <linux/pidfd.h>
#include <linux/time.h>

/*
 * The sa_flags that rt_sigaction(2) keeps. All others read back as 0, so that programs can probe.
 */
#define SA_KNOWN                                                                                   \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |         \
	 SA_RESETHAND | SA_RESTORER | SA_EXPOSE_TAGBITS)

/* Not in linux/pidfd.h of Linux 6.1. */
#ifndef PIDFD_SIGNAL_THREAD
#define PIDFD_SIGNAL_THREAD	   1
#define PIDFD_SIGNAL_THREAD_GROUP  2
#define PIDFD_SIGNAL_PROCESS_GROUP 4
#endif

static bool valid_signal(int sig)
{
	return sig >= 0 && sig <= NSIG;
}

/*
 * Sleeps until the thread is kicked, or for timeout_ns (-1: no limit). The caller looks at the
 * pending signals before and after. Returns the error of park.
 */
static s64 sleep_until_kicked(s64 timeout_ns)
{
	static u32 never_changes;

	return park(&never_changes, 0, (u64)timeout_ns);
}

DEFINE_SYSCALL4(rt_sigaction, int, sig, uva, act, uva, old, u64, size)
{
	struct process *p = current_process();
	struct sighand *h = p->sighand;
	struct sigaction_k new, before;

	if (size != sizeof(sigset) || !valid_signal(sig) || sig == 0 ||
	    (act && (SIGNALS_FORCED & SIGBIT(sig))))
		return -EINVAL;
	if (act && get_user(&new, act))
		return -EFAULT;

	mutex_lock(&task_lock);
	mutex_lock(&h->lock);
	before = h->action[sig - 1];
	if (act) {
		new.flags &= SA_KNOWN;
		new.mask &= ~SIGNALS_FORCED;
		h->action[sig - 1] = new;
	}
	mutex_unlock(&h->lock);
	/* POSIX: a pending signal that is now ignored is discarded, even if it is blocked. */
	if (act && (new.handler == (u64)SIG_IGN ||
		    (new.handler == (u64)SIG_DFL && (SIGNALS_IGNORED & SIGBIT(sig)))))
		signal_flush(p, SIGBIT(sig));
	mutex_unlock(&task_lock);

	return old ? put_user(before, old) : 0;
}

DEFINE_SYSCALL4(rt_sigprocmask, int, how, uva, set, uva, old, u64, size)
{
	sigset before = current()->blocked;
	sigset mask;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (set) {
		if (get_user(&mask, set))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			mask |= before;
			break;
		case SIG_UNBLOCK:
			mask = before & ~mask;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_blocked(mask);
	}
	return old ? put_user(before, old) : 0;
}

DEFINE_SYSCALL2(rt_sigpending, uva, set, u64, size)
{
	struct thread *t = current();
	sigset pending;

	if (size > sizeof(sigset))
		return -EINVAL;
	mutex_lock(&task_lock);
	pending = (t->pending.set | t->proc->pending.set) & t->blocked;
	mutex_unlock(&task_lock);
	return copy_to_user(set, &pending, size);
}

static s64 sleep_for_signal(void)
{
	do {
		signal_upcall();
		if (signal_pending())
			break;
	} while (sleep_until_kicked(-1) != -EINTR);
	return -ERESTARTNOHAND;
}

DEFINE_SYSCALL0(pause)
{
	return sleep_for_signal();
}

DEFINE_SYSCALL2(rt_sigsuspend, uva, mask, u64, size)
{
	int err;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (mask == 0)
		return -EFAULT;
	err = signal_block_meanwhile(mask, size);
	return err ? err : sleep_for_signal();
}

/* Returns the time in ns until a moment of CLOCK_MONOTONIC, or 0 if it has passed. */
static s64 time_left(u64 deadline)
{
	u64 now = clock_monotonic_ns();

	return now < deadline ? (s64)(deadline - now) : 0;
}

/* Waits for a signal. timeout_ns -1 is no limit. Returns the signal's number, -EAGAIN or -EINTR. */
static s64 wait_for_signal(sigset wanted, siginfo_t *info, s64 timeout_ns)
{
	struct thread *t = current();
	u64 deadline = 0;
	int sig = signal_take(wanted, info);

	if (sig)
		return sig;
	if (timeout_ns > 0)
		deadline = clock_monotonic_ns() + (u64)timeout_ns;
	/* Senders kick this thread for these signals, even if it blocks them. */
	t->waited = wanted;
	for (;;) {
		s64 err;

		signal_upcall();
		sig = signal_take(wanted, info);
		if (sig || signal_pending())
			break;
		err = timeout_ns == 0 ? -ETIMEDOUT : sleep_until_kicked(timeout_ns);
		if (err == -ETIMEDOUT) {
			sig = signal_take(wanted, info);
			t->waited = 0;
			return sig ? sig : -EAGAIN;
		}
		if (timeout_ns > 0)
			timeout_ns = time_left(deadline);
	}
	t->waited = 0;
	return sig ? sig : -EINTR;
}

DEFINE_SYSCALL4(rt_sigtimedwait, uva, set, uva, info, uva, timeout, u64, size)
{
	struct __kernel_timespec ts;
	s64 timeout_ns = -1;
	sigset wanted;
	siginfo_t si;
	s64 sig;

	if (size != sizeof(sigset))
		return -EINVAL;
	if (get_user(&wanted, set))
		return -EFAULT;
	if (timeout) {
		if (get_user(&ts, timeout))
			return -EFAULT;
		timeout_ns = clock_from_timespec(&ts);
		if (timeout_ns < 0)
			return -EINVAL;
	}
	sig = wait_for_signal(wanted & ~SIGNALS_FORCED, &si, timeout_ns);
	if (sig > 0 && info && put_user(si, info))
		return -EFAULT;
	return sig;
}

DEFINE_SYSCALL2(sigaltstack, uva, new, uva, old)
{
	u64 sp = thread_frame(current())->rsp;
	stack_t before, ss;
	int err;

	signal_altstack_get(&before, sp);
	if (new) {
		if (get_user(&ss, new))
			return -EFAULT;
		err = signal_altstack_set(&ss, sp);
		if (err)
			return err;
	}
	return old ? put_user(before, old) : 0;
}

/* Returns true if the running thread may send the signal to the process: kill(2). */
static bool may_signal(const struct process *p, int sig)
{
	return creds_may_signal(p) || (sig == SIGCONT && p->sid == current_process()->sid) ||
	       capable(CAP_KILL);
}

/* Checks the permission and sends the signal; signal 0 is only checked. task_lock is held. */
static int signal_checked(struct process *p, struct thread *t, const siginfo_t *info)
{
	ASSERT_HELD(&task_lock);
	if (!may_signal(p, info->si_signo))
		return -EPERM;
	return info->si_signo ? signal_send_locked(p, t, info) : 0;
}

/*
 * kill(2) of a group (pgid > 0) or of all processes but the caller's (-1). Returns 0 if one process
 * got the signal, -ESRCH if there is no such process, and otherwise the last error. task_lock is
 * held.
 */
static int signal_many(s32 pgid, const siginfo_t *info)
{
	struct process *p;
	int result = -ESRCH;
	bool sent = false;

	ASSERT_HELD(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		if (pgid == -1 ? p == current_process() : p->pgid != pgid)
			continue;
		result = signal_checked(p, NULL, info);
		sent |= result == 0;
	}
	return sent ? 0 : result;
}

/*
 * The group that the sandbox was started in may have members outside, such as a shell's pipeline or
 * the script that runs the sandbox. They get the signal, too; the monitor excludes itself.
 */
static bool group_reaches_outside(s32 pgid)
{
	return pgid == boot->pgid && boot->pgid != boot->pid;
}

/*
 * A signal to a process by the number of a thread that is no leader: Linux wakes that thread, and
 * so it takes the signal, unless it blocks it. Returns the thread then, else NULL: any thread takes
 * it. task_lock is held.
 */
static struct thread *named_thread(const struct process *p, s32 number, int sig)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	if (!p || number == p->pid || !sig)
		return NULL;
	t = thread_find(number);
	return t && t->proc == p && !(t->blocked & SIGBIT(sig)) ? t : NULL;
}

/*
 * kill(2) of the host's first process, if it is not in the sandbox: it is there, as /proc/1 shows,
 * but no signal from here reaches it.
 */
static int signal_init(int sig)
{
	return sig || !capable(CAP_KILL) ? -EPERM : 0;
}

DEFINE_SYSCALL2(kill, int, pid, int, sig)
{
	siginfo_t info = signal_info(sig, SI_USER);
	struct process *p;
	s32 pgid;
	int err;

	if (!valid_signal(sig))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	mutex_lock(&task_lock);
	pgid = pid == 0 ? current_process()->pgid : -pid;
	p = pid > 0 ? process_of_tid(pid) : NULL;
	if (p)
		err = signal_checked(p, named_thread(p, pid, sig), &info);
	else if (pid <= 0)
		err = signal_many(pid == -1 ? -1 : pgid, &info);
	else
		err = pid == 1 ? signal_init(sig) : -ESRCH;
	mutex_unlock(&task_lock);

	/* The parent is the only process outside that a program knows. */
	if (pid > 0 && !p && pid == boot->ppid)
		return hc_kill_outside((u64)(s64)pid, (u64)sig);
	if (pid <= 0 && pid != -1 && group_reaches_outside(pgid)) {
		/* 0 means the monitor's group. -pgid could be -1, which has another meaning. */
		int outside = (int)hc_kill_outside(0, (u64)sig);

		return err ? outside : 0;
	}
	return err;
}

/* Sends a signal to a thread. tgid 0: the thread may be of any process (tkill). */
static s64 signal_thread(s32 tgid, s32 tid, const siginfo_t *info)
{
	struct thread *t;
	int err = -ESRCH;

	if (!valid_signal(info->si_signo) || tid <= 0 || tgid < 0)
		return -EINVAL;
	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (t && (tgid == 0 || t->proc->pid == tgid))
		err = signal_checked(t->proc, t, info);
	mutex_unlock(&task_lock);
	return err;
}

DEFINE_SYSCALL3(tgkill, int, tgid, int, tid, int, sig)
{
	siginfo_t info = signal_info(sig, SI_TKILL);

	return tgid <= 0 ? -EINVAL : signal_thread(tgid, tid, &info);
}

DEFINE_SYSCALL2(tkill, int, tid, int, sig)
{
	siginfo_t info = signal_info(sig, SI_TKILL);

	return signal_thread(0, tid, &info);
}

/*
 * rt_sigqueueinfo(2): only in a signal to itself may a process claim that the kernel or kill(2)
 * sent it.
 */
static int read_info(siginfo_t *info, uva from, int sig, s32 pid)
{
	if (get_user(info, from))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && pid != current_process()->pid)
		return -EPERM;
	return 0;
}

DEFINE_SYSCALL3(rt_sigqueueinfo, int, pid, int, sig, uva, uinfo)
{
	struct process *p;
	siginfo_t info;
	int err = read_info(&info, uinfo, sig, pid);

	if (err)
		return err;
	if (!valid_signal(sig))
		return -EINVAL;
	mutex_lock(&task_lock);
	p = pid > 0 ? process_of_tid(pid) : NULL;
	if (p)
		err = signal_checked(p, named_thread(p, pid, sig), &info);
	else
		err = pid == 1 ? signal_init(sig) : -ESRCH;
	mutex_unlock(&task_lock);
	return err;
}

DEFINE_SYSCALL4(rt_tgsigqueueinfo, int, tgid, int, tid, int, sig, uva, uinfo)
{
	siginfo_t info;
	int err;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = read_info(&info, uinfo, sig, tgid);
	return err ? err : signal_thread(tgid, tid, &info);
}

static bool stands_for_process(struct ofile *f)
{
	struct process *p;
	bool stands;

	mutex_lock(&task_lock);
	stands = ofile_process(f, &p);
	mutex_unlock(&task_lock);
	return stands;
}

/* The target of pidfd_send_signal(2). */
struct pidfd_target {
	struct process *p; /* NULL: it has ended and was waited for */
	struct thread *t;  /* NULL: any thread of the process */
	bool group;	   /* the whole process group */
};

/* Finds the target of a pidfd. flags: PIDFD_SIGNAL_*. task_lock is held, and guards the target. */
static struct pidfd_target target_of(struct ofile *f, u32 flags)
{
	struct pidfd_target to = {.group = flags & PIDFD_SIGNAL_PROCESS_GROUP};
	struct thread *t = NULL;
	bool of_thread;

	ASSERT_HELD(&task_lock);
	ofile_process(f, &to.p);
	of_thread = is_pidfd(f) && pidfd_of_thread(f, &t);
	if (of_thread && !t)
		to.p = NULL;
	if (to.p && !of_thread && (flags & PIDFD_SIGNAL_THREAD))
		t = thread_find(to.p->pid);
	if (!(flags & (PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP)))
		to.t = t;
	return to;
}

static int pidfd_signal(struct ofile *f, u32 flags, bool has_info, siginfo_t *info)
{
	struct pidfd_target to;
	int err;

	mutex_lock(&task_lock);
	to = target_of(f, flags);
	if (!has_info && to.t)
		info->si_code = SI_TKILL;
	/* Only in a signal to itself may a process claim that the kernel or kill(2) sent it. */
	if (has_info && to.p != current_process() &&
	    (info->si_code >= 0 || info->si_code == SI_TKILL))
		err = -EPERM;
	else if (!to.p)
		err = -ESRCH;
	else if (to.group)
		err = signal_many(to.p->pgid, info);
	else
		err = signal_checked(to.p, to.t, info);
	mutex_unlock(&task_lock);
	return err;
}

DEFINE_SYSCALL4(pidfd_send_signal, int, pidfd, int, sig, uva, uinfo, u32, flags)
{
	const u32 all =
		PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP;
	siginfo_t info = signal_info(sig, SI_USER);
	struct ofile *f;
	int err = -EBADF;

	/* At most one flag is allowed. */
	if ((flags & ~all) || (flags & (flags - 1)))
		return -EINVAL;
	/* A pidfd, or a directory /proc/PID, as before pidfds existed: pidfd_send_signal(2). */
	f = fd_get(pidfd);
	if (f && stands_for_process(f)) {
		err = uinfo && get_user(&info, uinfo) ? -EFAULT : 0;
		if (!err && (info.si_signo != sig || !valid_signal(sig)))
			err = -EINVAL;
		if (!err)
			err = pidfd_signal(f, flags, uinfo != 0, &info);
	}
	ofile_put(f);
	return err;
}

/*
 * Continues the call that was interrupted by a signal without handler, with the time that it has
 * left.
 */
DEFINE_SYSCALL0(restart_syscall)
{
	struct thread *t = current();

	return t->restart.fn ? t->restart.fn(t->restart.arg) : -EINTR;
}
