// SPDX-License-Identifier: MIT
/*
 * The end of threads and processes.
 *
 * A thread ends on its own vCPU, at the latest when it would go back to its program. exit_group(2),
 * a deadly signal and execve(2) only mark the other threads (.dying) and kick them. The last thread
 * of a process frees the process's files and memory and gives its children away. What is left is a
 * zombie with its status, for wait.c.
 *
 * The first process is the sandbox, as init is for a PID namespace. When it ends, the monitor ends
 * at once with its status, because the shell or script that started the sandbox waits for that.
 * Everything else in the sandbox ends with it.
 */
#include "common/debugger.h"
#include "kernel/check_hooks.h"
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_info.h"
#include "kernel/fs/tty.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/exit.h"
#include "kernel/task/futex.h"
#include "kernel/task/nproc.h"
#include "kernel/task/oom.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/ptrace_debug.h"
#include "kernel/task/stop.h"
#include "kernel/task/task_needs.h"
#include "kernel/task/timer.h"
#include "kernel/task/usage.h"
#include "kernel/task/vcpu.h"
#include "kernel/trace.h"

#include <linux/resource.h>
#include <linux/wait.h>

__attribute__((noreturn)) static void sandbox_exit(int status)
{
	ptrace_sandbox_ends(status);
	status = check_end_status(status);
	if (boot->flags & BOOT_TRACE)
		trace_end();
	syscall_report(status);
	for (;;)
		hc_exit((u64)status);
}

void process_kill_others(struct process *p)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	TAILQ_FOREACH (t, &p->threads, link) {
		if (t == current())
			continue;
		t->dying = true;
		signal_kick(t);
		ptrace_wake(t);
	}
	/* Wakes the threads that sleep because the process is stopped. */
	unpark(&p->stopped, UNPARK_ALL);
}

/* set_tid_address(2): a thread that joins this one sleeps on that word. */
static void clear_child_tid(struct thread *t)
{
	u32 zero = 0;

	if (!t->clear_child_tid)
		return;
	/* No other thread is left that could read the word. */
	if (t->proc->nthreads == 1 && __atomic_load_n(&t->proc->mm->users, __ATOMIC_RELAXED) == 1)
		return;
	if (put_user(zero, t->clear_child_tid) == 0)
		futex_wake_user(t->clear_child_tid, 1);
}

/* Returns the nearest ancestor that is a subreaper, or the first process: prctl(2). */
static struct process *reaper_of(struct process *p)
{
	for (p = p->parent; p; p = p->parent)
		if (p->subreaper && !p->exiting)
			return p;
	return init_process;
}

/*
 * Tells a zombie's parent of its end. Returns true if the parent will not wait for it. task_lock is
 * held.
 */
static bool notify_parent(struct process *p)
{
	struct process *parent = p->parent;
	bool reap = false;
	siginfo_t info;

	ASSERT_HELD(&task_lock);
	memset(&info, 0, sizeof(info));
	info.si_signo = p->exit_signal;
	info.si_pid = p->pid;
	info.si_uid = p->creds.ruid;
	info.si_utime = usage_ticks(p->usage.user_us);
	info.si_stime = usage_ticks(p->usage.system_us);
	info.si_code = exit_code_of(p->wait_status);
	info.si_status = p->wait_status & 0x7f ? p->wait_status & 0x7f : p->wait_status >> 8 & 0xff;
	if (p->exit_signal == SIGCHLD && !parent->exiting) {
		const struct sigaction_k *action = &parent->sighand->action[SIGCHLD - 1];

		/* wait(2), NOTES: the parent ignores the ends of its children. */
		reap = action->handler == (u64)SIG_IGN || (action->flags & SA_NOCLDWAIT);
	}
	if (p->exit_signal)
		signal_send_locked(parent, NULL, &info);
	wait_notify(parent);
	return reap;
}

void process_tell_end(struct process *p)
{
	struct thread *tracer = ptrace_leader_tracer(p);
	int status = p->wait_status;

	ASSERT_HELD(&task_lock);
	if (p->pid == DEBUGGER_PID)
		return; /* it has no parent */
	/* The parent is told after the tracer has waited: ptrace(2), "Death under ptrace". */
	if (tracer && tracer->proc != p->parent)
		ptrace_tell_tracer(p->ended_leader, exit_code_of(status),
				   status & 0x7f ? status & 0x7f : status >> 8 & 0xff);
	else if (notify_parent(p))
		process_free(p);
}

/* Gives p's children to a reaper. task_lock is held. */
static void give_children_away(struct process *p)
{
	struct process *reaper = reaper_of(p);
	struct process *child, *next;

	ASSERT_HELD(&task_lock);
	for (child = TAILQ_FIRST(&p->children); child; child = next) {
		next = TAILQ_NEXT(child, sibling);
		TAILQ_REMOVE(&p->children, child, sibling);
		child->parent = reaper;
		TAILQ_INSERT_TAIL(&reaper->children, child, sibling);
		if (child->pdeathsig && !child->zombie) {
			siginfo_t info;

			memset(&info, 0, sizeof(info));
			info.si_signo = child->pdeathsig;
			info.si_pid = p->pid;
			info.si_uid = p->creds.ruid;
			signal_send_locked(child, NULL, &info);
		}
		/* A child of init ends with SIGCHLD. */
		child->exit_signal = SIGCHLD;
		if (child->zombie)
			process_tell_end(child);
	}
}

/* The last thread ends: frees everything but the process's number and status. */
static void process_end(struct process *p)
{
	struct sighand *sighand = p->sighand;
	struct files *files = p->files;
	struct fs_info *fs = p->fs;
	struct mm *mm = p->mm;
	struct release release;

	timers_exit();
	p->usage.max_rss = MAX(p->usage.max_rss, mm->peak_pages * (PAGE_SIZE / 1024));
	/* A thread that looks at another process holds task_lock. */
	mutex_lock(&task_lock);
	p->files = NULL;
	p->fs = NULL;
	p->mm = NULL;
	oom_memory_goes();
	mutex_unlock(&task_lock);
	vcpu_enter_mm(NULL);
	mutex_lock(&task_lock);
	vfork_release(current());
	mutex_unlock(&task_lock);
	mm_put(mm);
	oom_memory_gone();
	sem_exit(p);
	release_begin(&release);
	files_put(files);
	release_end(&release);
	fs_put(fs);

	mutex_lock(&task_lock);
	p->sighand = NULL;
	signal_flush(p, ~0UL);
	tty_session_ends(p);
	process_orphans(p);
	give_children_away(p);
	mutex_unlock(&task_lock);
	sighand_put(sighand);
}

/*
 * Removes the running thread from its process and ends it; its vCPU goes on. Releases task_lock,
 * which is held.
 */
__attribute__((noreturn)) static void unlink_and_retire(struct thread *t, int wait_status)
{
	struct process *p = t->proc;

	ASSERT_HELD(&task_lock);
	ptrace_tracer_ends(t);
	thread_unlink(t);
	pidfd_thread_ends(t);
	if (ptrace_thread_ended(t, p->group_exit ? p->wait_status : wait_status))
		t->users++; /* the tracer's, until it has waited for the thread */
	if (p->exec_by) {
		p->threads_word++;
		unpark(&p->threads_word, UNPARK_ALL);
	}
	if (p->nthreads == 0) {
		p->zombie = true;
		pidfd_exited(p);
		process_tell_end(p);
	} else {
		nproc_ends();
		process_stopped_check(p);
	}
	mutex_unlock(&task_lock);
	sched_thread_ends();
}

void thread_exit(int wait_status)
{
	struct thread *t = current();
	struct process *p = t->proc;
	struct usage used;
	bool last;

	ptrace_exit_event(p->group_exit ? p->wait_status : wait_status);
	if (boot->flags & BOOT_TRACE)
		trace_exit(p->group_exit ? p->wait_status : wait_status);
	check_thread_ends(wait_status);
	futex_exit(t);
	clear_child_tid(t);
	usage_thread(&used);
	memset(t->ptrace.debug, 0, sizeof(t->ptrace.debug));
	ptrace_debug_load(t);

	mutex_lock(&task_lock);
	usage_add(&p->usage, &used);
	signal_thread_ends(t);
	/* Without exit_group(2) the status of the leader counts. */
	if (!p->group_exit && t->tid == p->pid)
		p->wait_status = wait_status;
	last = p->nthreads == 1;
	if (!last) {
		vfork_release(t);
		unlink_and_retire(t, wait_status);
	}
	p->exiting = true;
	mutex_unlock(&task_lock);

	if (p == init_process)
		sandbox_exit(p->wait_status);
	process_end(p);
	mutex_lock(&task_lock);
	unlink_and_retire(t, wait_status);
}

/* Ends all other threads of the running process. Returns as process_single. */
static int only_thread(void)
{
	struct thread *t = current();
	struct process *p = t->proc;
	int err = 0;

	mutex_lock(&task_lock);
	if (p->group_exit || p->exec_by || t->dying)
		err = -EAGAIN;
	if (err || p->nthreads == 1)
		goto out;
	p->exec_by = t;
	process_kill_others(p);
	while (p->nthreads > 1) {
		u32 word = p->threads_word;

		mutex_unlock(&task_lock);
		park_steady(&p->threads_word, word);
		mutex_lock(&task_lock);
	}
	p->exec_by = NULL;
out:
	mutex_unlock(&task_lock);
	return err;
}

void process_exit(int wait_status)
{
	struct process *p = current_process();

	if (check_on() && only_thread() == 0)
		check_thread_ends(wait_status);
	mutex_lock(&task_lock);
	/* The first call decides the status. A thread that execve(2) ends does not decide it. */
	if (!p->group_exit && !(p->exec_by && p->exec_by != current())) {
		p->group_exit = true;
		p->wait_status = wait_status;
		process_kill_others(p);
	}
	mutex_unlock(&task_lock);
	if (p == init_process && p->group_exit) {
		ptrace_exit_event(p->wait_status);
		if (boot->flags & BOOT_TRACE)
			trace_exit(p->wait_status);
		futex_exit(current());
		sandbox_exit(p->wait_status);
	}
	thread_exit(wait_status);
}

int process_single(void)
{
	int err = only_thread();

	if (!err) {
		mutex_lock(&task_lock);
		ptrace_leader_replaced(current()->proc);
		thread_renumber(current(), current()->proc->pid);
		mutex_unlock(&task_lock);
	}
	return err;
}

/* Returns the wait(2) status of a process that called exit(2) with this code. */
static int exited(int code)
{
	return (code & 0xff) << 8;
}

DEFINE_SYSCALL1(exit, int, code)
{
	thread_exit(exited(code));
}

DEFINE_SYSCALL1(exit_group, int, code)
{
	process_exit(exited(code));
}
