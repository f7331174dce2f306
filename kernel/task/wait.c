// SPDX-License-Identifier: MIT
/*
 * wait4(2) and waitid(2): a parent learns how its children end, stop and go on.
 *
 * The news of a child are .zombie, .stop_report and .continued_report. Code that makes some calls
 * wait_notify, which changes the parent's .child_word; the parent's waiting threads sleep on that
 * word. task_lock guards all of this.
 */
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/exit.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/usage.h"

#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/wait.h>

#define WAIT4_OPTIONS	 (WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)
#define WAITID_EVENTS	 (WEXITED | WSTOPPED | WCONTINUED)
#define WAITID_OPTIONS	 (WNOHANG | WNOWAIT | WAITID_EVENTS | __WNOTHREAD | __WCLONE | __WALL)

#define STATUS_STOPPED	 0x7f
#define STATUS_CONTINUED 0xffff

/* What is waited for, and what was found. */
struct waiting {
	int type; /* P_ALL, P_PID, P_PGID */
	s32 id;
	int options;   /* those of waitid(2) */
	bool nonblock; /* the pidfd has PIDFD_NONBLOCK: EAGAIN instead of waiting */
	/* Result. */
	s32 pid;
	u32 uid;
	int status; /* as wait4(2) reports it */
	struct usage usage;
	bool traced; /* a ptrace-stop */
};

void wait_notify(struct process *parent)
{
	ASSERT_HELD(&task_lock);
	parent->child_word++;
	if (parent->waiting)
		unpark(&parent->child_word, UNPARK_ALL);
}

bool child_is_of(const struct process *child, const struct thread *parent)
{
	const struct thread *t;

	ASSERT_HELD(&task_lock);
	TAILQ_FOREACH (t, &parent->proc->threads, link)
		if (t->tid == child->made_by)
			return t == parent;
	return parent == TAILQ_FIRST(&parent->proc->threads);
}

static bool selects(const struct waiting *w, const struct process *child)
{
	/* wait(2), Linux notes: a clone child ends without SIGCHLD. */
	bool is_clone = child->exit_signal != SIGCHLD;

	if ((w->options & __WNOTHREAD) && !child_is_of(child, current()))
		return false;

	if (!(w->options & __WALL) && is_clone != ((w->options & (int)__WCLONE) != 0))
		return false;
	switch (w->type) {
	case P_PID:
		return child->pid == w->id;
	case P_PGID:
		return child->pgid == w->id;
	default:
		return true;
	}
}

/*
 * Returns true if a thread of another process traces the child, so that the end is first reported
 * to that thread.
 */
static bool is_anothers_tracee(const struct process *child)
{
	const struct thread *tracer = ptrace_leader_tracer(child);

	return tracer && tracer->proc != current_process();
}

/* Takes news of the child, if some are wanted. Returns false if there are none. */
static bool take_news(struct waiting *w, struct process *child)
{
	bool keep = w->options & WNOWAIT;
	bool own_tracee = ptrace_leader_tracer(child) && !is_anothers_tracee(child);

	if (child->zombie && (w->options & WEXITED) && !is_anothers_tracee(child))
		w->status = child->wait_status;
	else if (child->zombie)
		return false;
	/* A tracee's stops are ptrace-stops: take_tracee_news. */
	else if (child->stop_report > 0 && (w->options & WSTOPPED) && !own_tracee)
		w->status = child->stop_report << 8 | STATUS_STOPPED;
	else if (child->continued_report && (w->options & WCONTINUED))
		w->status = STATUS_CONTINUED;
	else
		return false;

	w->pid = child->pid;
	w->uid = child->creds.ruid;
	w->usage = child->usage;
	usage_add(&w->usage, &child->children_usage);
	if (keep)
		return true;
	if (child->zombie) {
		usage_add(&current_process()->children_usage, &w->usage);
		process_free(child);
	} else if (w->status == STATUS_CONTINUED) {
		child->continued_report = false;
	} else {
		child->stop_report = -1; /* told, and not told again for this stop */
	}
	return true;
}

/* -- Tracees ----------------------------------------------------------------------------------- */

static bool selects_tracee(const struct waiting *w, const struct thread *t)
{
	s32 pgid = t->ptrace.zombie && !t->proc ? t->ptrace.pgid : t->proc->pgid;

	/* The ends of the process's own children are found by look. */
	if (t->ptrace.zombie && t->proc && t->proc->parent == current_process())
		return false;
	return w->type == P_PID ? t->tid == w->id : w->type == P_PGID ? pgid == w->id : true;
}

/*
 * Takes news of a tracee: a ptrace-stop, which every wait reports, or its end. Returns false if
 * there are none.
 */
static bool take_tracee_news(struct waiting *w, struct thread *t)
{
	bool keep = w->options & WNOWAIT;
	const struct process *p = t->proc;

	w->pid = t->tid;
	w->uid = p ? p->creds.ruid : t->ptrace.uid;
	w->usage = (struct usage){0};
	if (t->ptrace.zombie) {
		/* The end of a leader is that of its process. */
		if (!(w->options & WEXITED) || (p && !p->zombie))
			return false;
		w->status = p ? p->wait_status : t->ptrace.status;
		if (!keep)
			ptrace_detach(t);
		return true;
	}
	if (!ptrace_has_news(t))
		return false;
	w->status = (int)(t->ptrace.code << 8 | STATUS_STOPPED);
	w->traced = true;
	if (!keep)
		t->ptrace.code = 0;
	return true;
}

/* As look, for the tracees of the process's threads. */
static int look_at_tracees(struct waiting *w)
{
	struct thread *tracer, *t;
	int result = -ECHILD;

	TAILQ_FOREACH (tracer, &current_process()->threads, link) {
		if ((w->options & __WNOTHREAD) && tracer != current())
			continue;
		TAILQ_FOREACH (t, &tracer->ptrace.tracees, ptrace.link) {
			if (!selects_tracee(w, t))
				continue;
			if (take_tracee_news(w, t))
				return 0;
			result = -EAGAIN;
		}
	}
	return result;
}

/*
 * Returns 0 if news was found, -ECHILD if there is no such child, or -EAGAIN if there is no news
 * yet. task_lock is held.
 */
static int look(struct waiting *w)
{
	struct process *child;
	int result = -ECHILD, tracees;

	ASSERT_HELD(&task_lock);
	TAILQ_FOREACH (child, &current_process()->children, sibling) {
		if (!selects(w, child))
			continue;
		if (take_news(w, child))
			return 0;
		/*
		 * A zombie will have no other news, so a caller that does not wait for ends cannot
		 * wait for it.
		 */
		if (!child->zombie || (w->options & WEXITED))
			result = -EAGAIN;
	}
	tracees = look_at_tracees(w);
	return tracees == -ECHILD ? result : tracees;
}

/* Returns the child's number, 0 if there is no news yet (WNOHANG), or -errno. */
static s64 wait_for(struct waiting *w)
{
	struct process *self = current_process();
	int err;

	mutex_lock(&task_lock);
	while ((err = look(w)) == -EAGAIN) {
		u32 word = self->child_word;

		if (w->options & WNOHANG)
			break;
		if (w->nonblock) {
			mutex_unlock(&task_lock);
			return -EAGAIN;
		}
		if (signal_pending()) {
			err = -ERESTARTSYS;
			break;
		}
		self->waiting++;
		mutex_unlock(&task_lock);
		park(&self->child_word, word, PARK_FOREVER);
		signal_upcall();
		mutex_lock(&task_lock);
		self->waiting--;
	}
	mutex_unlock(&task_lock);
	return err == 0 ? w->pid : err == -EAGAIN ? 0 : err;
}

DEFINE_SYSCALL4(wait4, int, pid, uva, status, int, options, uva, usage)
{
	struct waiting w = {.options = options | WEXITED};
	s64 result;

	if ((u32)options & ~(u32)WAIT4_OPTIONS)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	w.type = pid > 0 ? P_PID : pid == -1 ? P_ALL : P_PGID;
	w.id = pid > 0 ? pid : pid == 0 ? current_process()->pgid : -pid;
	result = wait_for(&w);
	if (result > 0 && status && put_user(w.status, status))
		return -EFAULT;
	if (result > 0 && usage && put_user(usage_to_rusage(&w.usage), usage))
		return -EFAULT;
	return result;
}

/* waitid(2): returns the siginfo of the news. */
static siginfo_t to_siginfo(const struct waiting *w)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGCHLD;
	info.si_pid = w->pid;
	info.si_uid = w->uid;
	if (w->status == STATUS_CONTINUED) {
		info.si_code = CLD_CONTINUED;
		info.si_status = SIGCONT;
	} else if ((w->status & 0xff) == STATUS_STOPPED) {
		info.si_code = w->traced ? CLD_TRAPPED : CLD_STOPPED;
		info.si_status = w->status >> 8;
	} else if (w->status & 0x7f) {
		info.si_code = exit_code_of(w->status);
		info.si_status = w->status & 0x7f;
	} else {
		info.si_code = CLD_EXITED;
		info.si_status = w->status >> 8;
	}
	return info;
}

/* Converts P_PIDFD to P_PID. Returns 0 or -EBADF. */
static int from_pidfd(struct waiting *w, s32 fd)
{
	struct ofile *f = fd_get(fd);
	struct process *p;
	struct thread *t;

	if (!f || !is_pidfd(f)) {
		ofile_put(f);
		return -EBADF;
	}
	mutex_lock(&task_lock);
	p = pidfd_process(f);
	w->type = P_PID;
	w->id = p ? p->pid : 0; /* no process has this number */
	if (p && pidfd_of_thread(f, &t) && t && t->tid != p->pid)
		w->id = 0;
	mutex_unlock(&task_lock);
	w->nonblock = f->flags & O_NONBLOCK;
	ofile_put(f);
	return 0;
}

DEFINE_SYSCALL5(waitid, int, type, int, id, uva, user_info, int, options, uva, usage)
{
	struct waiting w = {.type = type, .id = id, .options = options};
	siginfo_t info;
	s64 result;

	if (((u32)options & ~(u32)WAITID_OPTIONS) || !(options & WAITID_EVENTS))
		return -EINVAL;
	switch (type) {
	case P_ALL:
		break;
	case P_PID:
		if (id <= 0)
			return -EINVAL;
		break;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		if (id == 0)
			w.id = current_process()->pgid;
		break;
	case P_PIDFD:
		if (id < 0)
			return -EINVAL;
		result = from_pidfd(&w, id);
		if (result < 0)
			return result;
		break;
	default:
		return -EINVAL;
	}
	result = wait_for(&w);
	if (result < 0)
		return result;
	memset(&info, 0, sizeof(info));
	if (result > 0)
		info = to_siginfo(&w);
	/* Linux writes only these fields, and zeros if nothing was found. */
	if (user_info &&
	    copy_to_user(user_info, &info, offsetof(siginfo_t, si_status) + sizeof(int)))
		return -EFAULT;
	if (result > 0 && usage && put_user(usage_to_rusage(&w.usage), usage))
		return -EFAULT;
	return 0;
}
