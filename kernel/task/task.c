// SPDX-License-Identifier: MIT
/*
 * Processes and threads: making, finding and freeing them.
 *
 * The first process has the numbers that the host gave the monitor (process, parent, group,
 * session). Later numbers count upwards from its number.
 */
#include "common/debugger.h"
#include "kernel/define_syscall.h"
#include "kernel/fs/fs_info.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/fpu_area.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/creds.h"
#include "kernel/task/host_ids.h"
#include "kernel/task/futex.h"
#include "kernel/task/nproc.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/vcpu.h"
#include "kernel/time/clock.h"

#include <linux/prctl.h>

#define TIMER_SLACK_DEFAULT 50000 /* ns: PR_GET_TIMERSLACK of a new Linux process */

struct mutex task_lock = MUTEX_INIT(LOCK_TASK);
struct process *init_process;
struct process_list all_processes = LIST_HEAD_INITIALIZER(all_processes);

/* proc(5), pid_max: after PID_MAX the numbers continue here. */
#define PID_MIN 300

static s32 last_pid; /* task_lock */

static struct fs_info *fs_boot(void)
{
	struct fs_info *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	fs->users = 1;
	mutex_init(&fs->lock, LOCK_FS);
	fs->cwd = boot->cwd;
	fs->root = boot->root;
	fs->umask = boot->umask;
	return fs;
}

struct fs_info *fs_dup(struct fs_info *fs)
{
	struct fs_info *copy = kzalloc(sizeof(*copy));
	/* Only the running process, which is here, and those that share fs can change its root. */
	char *name = READ_ONCE(fs->root_file) ? kmalloc(HOSTCALL_PATH_MAX) : NULL;

	if (!copy || (READ_ONCE(fs->root_file) && !name)) {
		kfree(copy);
		kfree(name);
		return NULL;
	}
	copy->users = 1;
	mutex_init(&copy->lock, LOCK_FS);
	mutex_lock(&fs->lock);
	copy->cwd = fs->cwd;
	copy->cwd_file = fs->cwd_file ? ofile_get(fs->cwd_file) : NULL;
	copy->root = fs->root;
	copy->root_name = name;
	if (fs->root_file && name) {
		copy->root_file = ofile_get(fs->root_file);
		strlcpy(name, fs->root_name, HOSTCALL_PATH_MAX);
	}
	copy->umask = fs->umask;
	mutex_unlock(&fs->lock);
	return copy;
}

void fs_put(struct fs_info *fs)
{
	if (__atomic_sub_fetch(&fs->users, 1, __ATOMIC_ACQ_REL))
		return;
	ofile_put(fs->cwd_file);
	ofile_put(fs->root_file);
	kfree(fs->root_name);
	kfree(fs);
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
		.cap_effective = boot->cap_effective,
		.cap_permitted = boot->cap_permitted,
		.cap_inheritable = boot->cap_inheritable,
		.cap_ambient = boot->cap_ambient,
		.cap_bounding = boot->cap_bounding & CAPABILITIES_ALL,
		.securebits = boot->securebits,
		.no_new_privs = boot->flags & BOOT_NO_NEW_PRIVS,
		.stamp = CREDS_BOOT,
	};
	memcpy(c->groups, boot->groups, c->ngroups * sizeof(c->groups[0]));
}

struct thread *thread_new(struct process *p, const struct thread *like)
{
	struct thread *t = kzalloc(sizeof(*t));
	u64 stack;

	if (!t)
		return NULL;
	stack = frame_alloc(KSTACK_ORDER, FRAME_ZERO);
	t->context.fpu = fpu_area_new();
	if (!stack || !t->context.fpu)
		goto free;
	t->context.kstack = phys_to_virt(stack);
	t->users = 1;
	t->proc = p;
	TAILQ_INIT(&t->pending.queue);
	TAILQ_INIT(&t->ptrace.tracees);
	t->altstack.flags = SS_DISABLE;
	t->timer_slack = TIMER_SLACK_DEFAULT;
	if (like) {
		t->creds = like->creds;
		t->context.no_tsc = like->context.no_tsc;
		t->blocked = like->blocked;
		policy_inherit(t, like);
		t->ioprio = like->ioprio;
		t->timer_slack = like->timer_slack;
		t->io_flusher = like->io_flusher;
		t->cpus = like->cpus;
		memcpy(t->comm, like->comm, sizeof(t->comm));
	}
	return t;

free:
	if (stack)
		frame_put_block(stack, KSTACK_ORDER);
	fpu_area_free(t->context.fpu);
	kfree(t);
	return NULL;
}

void thread_free(struct thread *t)
{
	if (__atomic_sub_fetch(&t->users, 1, __ATOMIC_ACQ_REL))
		return;
	fpu_area_free(t->context.fpu);
	frame_put_block(virt_to_phys(t->context.kstack), KSTACK_ORDER);
	kfree(t->segs);
	path_prefetch_free(t);
	seccomp_thread_freed(t);
	kfree(t);
}

/*
 * All threads of the tree by number, of which there may be tens of thousands. task_lock guards it.
 */
#define TID_LISTS 4096
static LIST_HEAD(, thread) by_tid[TID_LISTS];

void thread_link(struct thread *t, s32 tid)
{
	struct process *p = t->proc;

	ASSERT_HELD(&task_lock);
	t->tid = tid;
	LIST_INSERT_HEAD(&by_tid[(u32)tid % TID_LISTS], t, by_tid);
	TAILQ_INSERT_TAIL(&p->threads, t, link);
	p->nthreads++;
	if (tid != DEBUGGER_PID)
		nproc_begins(p->nthreads == 1);
}

void thread_unlink(struct thread *t)
{
	ASSERT_HELD(&task_lock);
	LIST_REMOVE(t, by_tid);
	TAILQ_REMOVE(&t->proc->threads, t, link);
	t->proc->nthreads--;
	t->proc->last_nice = t->nice;
}

void thread_renumber(struct thread *t, s32 tid)
{
	ASSERT_HELD(&task_lock);
	LIST_REMOVE(t, by_tid);
	t->tid = tid;
	LIST_INSERT_HEAD(&by_tid[(u32)tid % TID_LISTS], t, by_tid);
}

static struct thread *linked_thread(s32 tid)
{
	struct thread *t;

	LIST_FOREACH (t, &by_tid[(u32)tid % TID_LISTS], by_tid)
		if (t->tid == tid)
			return t;
	return NULL;
}

struct process *process_new(const struct process *parent)
{
	struct process *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	TAILQ_INIT(&p->children);
	LIST_INIT(&p->posix_timers);
	LIST_INIT(&p->pidfds);
	TAILQ_INIT(&p->threads);
	TAILQ_INIT(&p->pending.queue);
	p->exit_signal = SIGCHLD;
	p->coredump_filter = parent ? parent->coredump_filter : COREDUMP_FILTER_DEFAULT;
	p->start_ns = clock_boottime_ns();
	if (!parent)
		return p;
	p->pgid = parent->pgid;
	p->sid = parent->sid;
	p->no_tty = parent->no_tty;
	memcpy(p->rlimit, parent->rlimit, sizeof(p->rlimit));
	memcpy(p->comm, parent->comm, sizeof(p->comm));
	p->dumpable = parent->dumpable;
	p->personality = parent->personality;
	p->mce_policy = parent->mce_policy;
	p->membarrier = parent->membarrier;
	p->oom_score_adj = parent->oom_score_adj;
	return p;
}

void process_free(struct process *p)
{
	ASSERT_HELD(&task_lock);
	KASSERT(TAILQ_EMPTY(&p->children) && TAILQ_EMPTY(&p->threads));
	pidfd_freed(p);
	ptrace_process_freed(p);
	LIST_REMOVE(p, all);
	nproc_ends();
	if (p->parent)
		TAILQ_REMOVE(&p->parent->children, p, sibling);
	kfree(p);
}

void task_init(void)
{
	struct process *p = process_new(NULL);
	struct thread *t;

	KASSERT(p);
	futex_init();
	p->pid = boot->pid;
	p->ppid_outside = boot->ppid;
	p->pgid = boot->pgid;
	p->sid = boot->sid;
	p->dumpable = true;
	p->mce_policy = PR_MCE_KILL_DEFAULT;
	for (unsigned i = 0; i < BOOT_RLIMITS; i++) {
		p->rlimit[i].cur = boot->rlimit[i].cur;
		p->rlimit[i].max = boot->rlimit[i].max;
	}
	creds_boot(&p->creds);
	p->mm = mm_new();
	p->files = files_boot();
	p->fs = fs_boot();
	p->sighand = sighand_boot();
	t = thread_new(p, NULL);
	KASSERT(p->mm && p->files && p->fs && p->sighand && t);
	t->creds = p->creds;
	t->blocked = boot->signals_blocked & ~SIGNALS_FORCED;
	t->nice = boot->nice;
	t->ioprio = (u16)boot->ioprio;
	vcpu_boot(t);
	sched_init(t);
	mutex_lock(&task_lock);
	thread_link(t, p->pid);
	last_pid = p->pid;
	init_process = p;
	LIST_INSERT_HEAD(&all_processes, p, all);
	mutex_unlock(&task_lock);
}

/*
 * Returns true if a process, thread, group or session has this number, in the sandbox or just
 * outside.
 */
static bool number_in_use(s32 n)
{
	struct process *p;

	if (n == boot->ppid || n == boot->pgid || n == boot->sid || linked_thread(n))
		return true;
	LIST_FOREACH (p, &all_processes, all) {
		if (p->pid == n || p->pgid == n || p->sid == n)
			return true;
	}
	return false;
}

s32 pid_alloc(s32 wanted)
{
	ASSERT_HELD(&task_lock);
	if (wanted)
		return number_in_use(wanted) ? 0 : wanted;
	for (s32 tries = 0; tries < PID_MAX; tries++) {
		last_pid = last_pid + 1 < PID_MAX ? last_pid + 1 : PID_MIN;
		if (!number_in_use(last_pid))
			return last_pid;
	}
	return 0;
}

struct process *process_find(s32 pid)
{
	struct process *p;

	ASSERT_HELD(&task_lock);
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
	struct thread *t = tid == 0 ? current() : linked_thread(tid);
	struct process *p;

	ASSERT_HELD(&task_lock);
	if (t)
		return t;
	/* The leader may have ended before the other threads, which then stand for it. */
	p = process_find(tid);
	return p ? TAILQ_FIRST(&p->threads) : NULL;
}

struct process *process_of_tid(s32 tid)
{
	struct process *p = process_find(tid);
	struct thread *t = p ? NULL : thread_find(tid);

	return t ? t->proc : p;
}

DEFINE_SYSCALL1(set_tid_address, uva, tidptr)
{
	current()->clear_child_tid = tidptr;
	return current()->tid;
}
