/*
 * Processes and threads: the first of them, finding them, and their end.
 *
 * The first process takes the identity that the host gave the monitor (pid, parent, group,
 * session); further pids count upwards from its pid. Its end is the sandbox's end.
 */
#include "kernel/task/task.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/fs/file.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/stats.h"
#include "kernel/syscall/syscall.h"
#include "kernel/time/clock.h"

#define TIMER_SLACK_DEFAULT 50000 /* ns, PR_GET_TIMERSLACK of a fresh Linux process */

struct mutex task_lock;
struct process *init_process;
struct process_list all_processes = LIST_HEAD_INITIALIZER(all_processes);

static struct fs_info *fs_boot(void)
{
	struct fs_info *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	fs->users = 1;
	fs->cwd = boot->cwd;
	fs->root = boot->root;
	fs->umask = boot->umask;
	return fs;
}

static struct sighand *sighand_boot(void)
{
	struct sighand *h = sighand_new();

	for (int sig = 1; h && sig <= NSIG; sig++) {
		if (boot->signals_ignored & SIGBIT(sig))
			h->action[sig - 1].handler = (u64)SIG_IGN;
	}
	return h;
}

static void creds_boot(struct creds *c)
{
	*c = (struct creds){
		.ruid = boot->ruid,
		.euid = boot->euid,
		.suid = boot->suid,
		.fsuid = boot->euid,
		.rgid = boot->rgid,
		.egid = boot->egid,
		.sgid = boot->sgid,
		.fsgid = boot->egid,
		.ngroups = MIN(boot->ngroups, ARRAY_SIZE(c->groups)),
		.cap_bounding = CAPABILITIES_ALL,
	};
	memcpy(c->groups, boot->groups, c->ngroups * sizeof(c->groups[0]));
	if (c->euid == 0)
		c->cap_effective = CAPABILITIES_ALL;
	if (c->ruid == 0 || c->euid == 0)
		c->cap_permitted = CAPABILITIES_ALL;
}

static struct thread *thread_new(struct process *p, s32 tid)
{
	struct thread *t = kzalloc(sizeof(*t));
	u64 stack;

	if (!t)
		return NULL;
	stack = frame_alloc(KSTACK_ORDER, FRAME_ZERO);
	if (stack == 0) {
		kfree(t);
		return NULL;
	}
	t->tid = tid;
	t->proc = p;
	t->kstack = phys_to_virt(stack);
	*(struct thread **)t->kstack = t;
	t->altstack.flags = SS_DISABLE;
	t->timer_slack = TIMER_SLACK_DEFAULT;
	TAILQ_INIT(&t->pending.queue);
	TAILQ_INSERT_TAIL(&p->threads, t, link);
	p->nthreads++;
	return t;
}

void task_init(void)
{
	struct process *p = kzalloc(sizeof(*p));
	struct thread *t;

	KASSERT(p);
	futex_init();
	LIST_INIT(&p->children);
	LIST_INIT(&p->posix_timers);
	TAILQ_INIT(&p->threads);
	TAILQ_INIT(&p->pending.queue);
	p->pid = boot->pid;
	p->ppid_outside = boot->ppid;
	p->pgid = boot->pgid;
	p->sid = boot->sid;
	p->dumpable = true;
	p->exit_signal = SIGCHLD;
	for (unsigned i = 0; i < ARRAY_SIZE(p->itimer); i++)
		p->itimer[i].timer = -1;
	for (unsigned i = 0; i < BOOT_RLIMITS; i++) {
		p->rlimit[i].cur = boot->rlimit[i].cur;
		p->rlimit[i].max = boot->rlimit[i].max;
	}
	creds_boot(&p->creds);
	p->mm = mm_new();
	p->files = files_boot();
	p->fs = fs_boot();
	p->sighand = sighand_boot();
	t = thread_new(p, p->pid);
	KASSERT(p->mm && p->files && p->fs && p->sighand && t);
	t->blocked = boot->signals_blocked & ~SIGNALS_FORCED;
	p->start_ns = clock_boottime_ns();
	init_process = p;
	LIST_INSERT_HEAD(&all_processes, p, all);
}

struct process *process_find(s32 pid)
{
	struct process *p;

	if (pid == 0)
		return current_process();
	LIST_FOREACH (p, &all_processes, all) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

struct thread *thread_find(s32 tid)
{
	struct process *p;
	struct thread *t;

	if (tid == 0)
		return current();
	LIST_FOREACH (p, &all_processes, all) {
		TAILQ_FOREACH (t, &p->threads, link) {
			if (t->tid == tid)
				return t;
		}
	}
	return NULL;
}

void process_exit(int wait_status)
{
	struct process *p = current_process();

	mutex_lock(&task_lock);
	p->exiting = true;
	p->wait_status = wait_status;
	mutex_unlock(&task_lock);
	futex_exit(current());
	if (boot->flags & BOOT_TRACE)
		trace_exit(wait_status);
	syscall_report();
	if (boot->flags & BOOT_STATS)
		stats_report();
	for (;;)
		hc_exit((u64)wait_status);
}

/* wait(2) status of a process that ended by itself. */
static int exited(int code)
{
	return (code & 0xff) << 8;
}

DEFINE_SYSCALL1(exit, int, code)
{
	process_exit(exited(code));
}

DEFINE_SYSCALL1(exit_group, int, code)
{
	process_exit(exited(code));
}

DEFINE_SYSCALL1(set_tid_address, uva, tidptr)
{
	current()->clear_child_tid = tidptr;
	return current()->tid;
}
