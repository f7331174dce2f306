// SPDX-License-Identifier: MIT
/*
 * clone(2), clone3(2), fork(2), vfork(2), unshare(2): a new thread or process that goes on where
 * its parent is.
 *
 * Memory, files, directories and handlers belong to the process here, so threads always share them.
 * CLONE_THREAD without CLONE_FILES or CLONE_FS, which no C library uses, is EINVAL, and
 * CLONE_THREAD without CLONE_SYSVSEM still shares the semaphore adjustments. I/O contexts do not
 * exist, so CLONE_IO has no effect. Namespaces are refused, because they are not for programs in a
 * sandbox.
 */
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_info.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/creds.h"
#include "kernel/task/exit.h"
#include "kernel/task/nproc.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/task_needs.h"
#include "kernel/task/timer.h"

#include "kernel/task/ptrace_abi.h"
#include <linux/resource.h>
#include <linux/sched.h>

#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define CLONE_KNOWN                                                                                \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD | CLONE_PTRACE |          \
	 CLONE_VFORK | CLONE_PARENT | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |                \
	 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_UNTRACED | CLONE_CHILD_SETTID |        \
	 CLONE_IO | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP | CLONE_NAMESPACES)

/*
 * If one of these is pending, a fork fails with ERESTARTNOINTR, so that a signal to a group misses
 * no new member.
 */
#define SIGNALS_GROUP                                                                              \
	(SIGBIT(SIGINT) | SIGBIT(SIGQUIT) | SIGBIT(SIGTERM) | SIGBIT(SIGHUP) | SIGBIT(SIGKILL) |   \
	 SIGNALS_STOP)

/* The request, for all of these calls. */
struct request {
	u64 flags;
	s32 exit_signal;
	u64 stack; /* the end of the stack; 0: the parent's stack */
	uva pidfd, child_tid, parent_tid;
	u64 tls;
	s32 tid; /* the number to get; 0: any */
};

/* Checks the request: clone(2), ERRORS. Returns 0 or -errno. */
static int check(const struct request *rq)
{
	u64 f = rq->flags;

	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
	    (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID | CLONE_PIDFD)))
		return -EINVAL;
	if ((f & CLONE_NEWIPC) && (f & CLONE_SYSVSEM))
		return -EINVAL;
	if ((f & CLONE_PARENT) && current_process() == init_process)
		return -EINVAL; /* the parent is outside */
	if ((f & CLONE_THREAD) && (~f & (CLONE_FILES | CLONE_FS)))
		return -EINVAL;
	if ((f & CLONE_SETTLS) && rq->tls >= USER_TOP)
		return -EPERM;
	if (f & CLONE_NAMESPACES)
		return -EPERM;
	if (f & CLONE_INTO_CGROUP)
		return -EBADF; /* no descriptor is of a cgroup */
	return 0;
}

/* Returns true if there are too many tasks. Asked before anything is made; link() asks again. */
static bool too_many(void)
{
	bool full;

	mutex_lock(&task_lock);
	full = nproc_full();
	mutex_unlock(&task_lock);
	return full;
}

static struct sighand *sighand_copy(struct sighand *from, bool clear)
{
	struct sighand *h = sighand_new();

	if (!h)
		return NULL;
	mutex_lock(&from->lock);
	memcpy(h->action, from->action, sizeof(h->action));
	mutex_unlock(&from->lock);
	for (int i = 0; clear && i < NSIG; i++)
		if (h->action[i].handler != (u64)SIG_IGN)
			h->action[i] = (struct sigaction_k){0};
	return h;
}

static void process_unmake(struct process *p)
{
	if (p->files)
		files_put(p->files);
	if (p->fs)
		fs_put(p->fs);
	if (p->sighand)
		sighand_put(p->sighand);
	if (p->mm)
		mm_put(p->mm);
	pidfd_freed(p);
	sem_exit(p);
	kfree(p);
}

#define SHARE(flag, object, copy)                                                                  \
	((rq->flags & (flag))                                                                      \
		 ? (__atomic_add_fetch(&(object)->users, 1, __ATOMIC_RELAXED), (object))           \
		 : (copy))

/*
 * Returns true if no other thread runs in the process's memory; none can start as long as the
 * running thread starts none.
 */
static bool runs_alone(const struct process *p)
{
	return p->nthreads == 1 && __atomic_load_n(&p->mm->users, __ATOMIC_RELAXED) == 1;
}

/*
 * Returns the child process of fork(2) and the like, which is not linked, or NULL if memory is
 * short.
 */
static struct process *process_make(const struct request *rq)
{
	struct process *self = current_process();
	struct process *p = process_new(self);

	if (!p)
		return NULL;
	p->creds = *current_creds();
	p->exit_signal = rq->exit_signal;
	p->files = SHARE(CLONE_FILES, self->files, files_dup(self->files));
	p->fs = SHARE(CLONE_FS, self->fs, fs_dup(self->fs));
	p->sighand = SHARE(CLONE_SIGHAND, self->sighand,
			   sighand_copy(self->sighand, rq->flags & CLONE_CLEAR_SIGHAND));
	if (p->files && p->fs && p->sighand &&
	    (!(rq->flags & CLONE_SYSVSEM) || sem_share(p, self) == 0))
		p->mm = SHARE(CLONE_VM, self->mm, mm_dup(self->mm, runs_alone(self)));
	if (p->mm)
		return p;
	process_unmake(p);
	return NULL;
}

/* Sets the registers that the new thread begins with. */
static void copy_registers(struct thread *t, const struct request *rq)
{
	struct trapframe *frame = thread_frame(t);

	arch_fpu_save(t->context.fpu);
	t->context.fsbase = rq->flags & CLONE_SETTLS ? rq->tls : arch_get_fsbase();
	t->context.gsbase = arch_get_gsbase();
	*frame = *thread_frame(current());
	if (current()->ptrace.flag_is_ours)
		frame->rflags &= ~(u64)RFLAGS_TF;
	frame->rax = 0;
	if (rq->stack)
		frame->rsp = rq->stack;
}

void thread_begin(struct thread *t)
{
	struct process *p = t->proc;

	if (t->begin)
		t->begin();
	if (p->rlimit[RLIMIT_CPU].cur != RLIM_INFINITY) {
		mutex_lock(&task_lock);
		timers_limit(p);
		mutex_unlock(&task_lock);
	}
	if (t->set_tid)
		put_user(t->tid, t->set_tid);
	check_thread_begins();
	arch_exit_to_program(thread_frame(t));
}

/* Returns the event of ptrace(2) for this request. */
static int trace_event(const struct request *rq)
{
	if (rq->flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return rq->exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

/*
 * Links the thread, and its process if that is new, into the tree. Returns 0, or -errno and changes
 * nothing.
 */
static int link(struct thread *t, const struct request *rq)
{
	struct thread *self = current();
	struct process *p = t->proc, *parent = self->proc;
	sigset pending;
	s32 tid;
	int err = 0;

	mutex_lock(&task_lock);
	pending = (self->pending.set | parent->pending.set) & ~self->blocked;
	tid = pid_alloc(rq->tid);
	if (self->dying || (pending & SIGNALS_GROUP))
		err = -ERESTARTNOINTR;
	else if (nproc_full())
		err = -EAGAIN;
	else if (!tid)
		err = rq->tid ? -EEXIST : -EAGAIN;
	if (err)
		goto out;
	thread_link(t, tid);
	seccomp_inherit(t);
	if (!(rq->flags & CLONE_UNTRACED))
		ptrace_new_thread(t, trace_event(rq), rq->flags & CLONE_PTRACE);
	if (p == parent)
		goto out;
	p->pid = tid;
	p->made_by = self->tid;
	p->pgid = parent->pgid;
	p->sid = parent->sid;
	p->no_tty = parent->no_tty;
	if (rq->flags & (CLONE_PARENT | CLONE_THREAD))
		parent = parent->parent;
	p->parent = parent;
	TAILQ_INSERT_TAIL(&parent->children, p, sibling);
	LIST_INSERT_HEAD(&all_processes, p, all);
out:
	mutex_unlock(&task_lock);
	return err;
}

void vfork_release(struct thread *t)
{
	struct vfork_wait *w = t->vfork_wait;

	ASSERT_HELD(&task_lock);
	t->vfork_wait = NULL;
	if (w) {
		__atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
		unpark(&w->done, 1);
	}
}

/*
 * Sleeps until the child, which may be a thread, gives the memory back, or until the running thread
 * has to end.
 */
static void vfork_sleep(struct thread *child, struct vfork_wait *w)
{
	struct thread *self = current();

	while (!__atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) {
		bool ends;

		mutex_lock(&task_lock);
		ends = self->dying ||
		       ((self->pending.set | self->proc->pending.set) & SIGBIT(SIGKILL));
		/* done is written under task_lock; until then the child exists. */
		if (ends && !w->done)
			child->vfork_wait = NULL;
		mutex_unlock(&task_lock);
		if (ends)
			return;
		park(&w->done, 0, PARK_FOREVER);
		signal_upcall();
	}
}

/*
 * CLONE_PIDFD: makes a descriptor of the parent's before the child exists. Returns it, or -errno.
 */
static s32 make_pidfd(struct process *p, const struct request *rq)
{
	struct files *files = current_process()->files;
	s32 fd = pidfd_install(p);

	if (fd < 0 || put_user(fd, rq->pidfd) == 0)
		return fd;
	file_close(files, fdtable_remove(files, fd));
	return -EFAULT;
}

static s64 clone(const struct request *rq)
{
	struct process *self = current_process();
	bool vfork = rq->flags & CLONE_VFORK;
	struct vfork_wait vfork_wait = {0};
	struct process *p = self;
	struct thread *t = NULL;
	s32 tid, pidfd = -1;
	int err = check(rq);

	if (err)
		return err;
	if (too_many())
		return -EAGAIN;
	if (!(rq->flags & CLONE_THREAD))
		p = process_make(rq);
	if (!p)
		return -ENOMEM;
	t = thread_new(p, current());
	if (!t) {
		err = -EAGAIN;
		goto free;
	}
	copy_registers(t, rq);
	if (rq->flags & CLONE_THREAD)
		check_thread_created(t);
	if (!(rq->flags & CLONE_VM) || (rq->flags & CLONE_VFORK))
		t->altstack = current()->altstack;
	if (rq->flags & CLONE_CHILD_SETTID)
		t->set_tid = rq->child_tid;
	if (rq->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = rq->child_tid;
	if (vfork)
		t->vfork_wait = &vfork_wait;
	if (rq->flags & CLONE_PIDFD) {
		pidfd = make_pidfd(p, rq);
		err = MIN(pidfd, 0);
	}
	if (!err)
		err = link(t, rq);
	if (err)
		goto close_pidfd;
	/* After sched_start both may be gone. */
	tid = t->tid;
	if (rq->flags & CLONE_PARENT_SETTID)
		put_user(tid, rq->parent_tid);
	sched_start(t);
	if (!(rq->flags & CLONE_UNTRACED))
		ptrace_child_event(trace_event(rq), tid);
	if (vfork) {
		vfork_sleep(t, &vfork_wait);
		ptrace_child_event(PTRACE_EVENT_VFORK_DONE, tid);
	}
	return tid;

close_pidfd:
	if (pidfd >= 0)
		file_close(self->files, fdtable_remove(self->files, pidfd));
free:
	if (t)
		thread_free(t);
	if (p != self)
		process_unmake(p);
	return err;
}

DEFINE_SYSCALL5(clone, u64, flags, u64, stack, uva, parent_tid, uva, child_tid, u64, tls)
{
	struct request rq = {
		.flags = (u32)flags & ~(u64)CSIGNAL,
		.exit_signal = flags & CSIGNAL,
		.stack = stack,
		.pidfd = parent_tid,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.tls = tls,
	};

	/* These would use one argument for two results. */
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_PARENT_SETTID | CLONE_DETACHED)))
		return -EINVAL;
	rq.flags &= ~(u64)CLONE_DETACHED;
	return clone(&rq);
}

/*
 * Reads struct clone_args, of the first size (VER0) up to any later one; bytes that this kernel
 * does not know must be 0. Returns 0 or -errno.
 */
static int read_args(struct clone_args *args, uva from, u64 size)
{
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	return copy_struct_from_user(args, sizeof(*args), from, size);
}

/*
 * clone(2), "The set_tid array": at most one number, because there is one namespace. *tid 0: any
 * number. Returns 0 or -errno.
 */
static int read_tid(const struct clone_args *args, s32 *tid)
{
	*tid = 0;
	if (!args->set_tid != !args->set_tid_size || args->set_tid_size > 1)
		return -EINVAL;
	if (!args->set_tid)
		return 0;
	if (get_user(tid, args->set_tid))
		return -EFAULT;
	if (*tid < 1 || *tid >= PID_MAX)
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) || capable(CAP_CHECKPOINT_RESTORE) ? 0 : -EPERM;
}

DEFINE_SYSCALL2(clone3, uva, user_args, u64, size)
{
	struct clone_args args;
	struct request rq;
	int err = read_args(&args, user_args, size);
	s32 tid;

	if (err)
		return err;
	if ((args.flags & ~(u64)CLONE_KNOWN) || args.exit_signal > NSIG ||
	    ((args.flags & (CLONE_THREAD | CLONE_PARENT)) && args.exit_signal))
		return -EINVAL;
	if ((args.flags & CLONE_INTO_CGROUP) && args.cgroup > INT32_MAX)
		return -EINVAL;
	if (!args.stack != !args.stack_size || args.stack + args.stack_size < args.stack ||
	    args.stack + args.stack_size > USER_TOP)
		return -EINVAL;
	err = read_tid(&args, &tid);
	if (err)
		return err;
	rq = (struct request){
		.flags = args.flags,
		.exit_signal = (s32)args.exit_signal,
		.stack = args.stack + args.stack_size,
		.pidfd = args.pidfd,
		.parent_tid = args.parent_tid,
		.child_tid = args.child_tid,
		.tls = args.tls,
		.tid = tid,
	};
	return clone(&rq);
}

DEFINE_SYSCALL0(fork)
{
	struct request rq = {.exit_signal = SIGCHLD};

	return clone(&rq);
}

DEFINE_SYSCALL0(vfork)
{
	struct request rq = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};

	return clone(&rq);
}

/* -- unshare(2) -------------------------------------------------------------------------------- */

static int unshare_fs(struct process *p)
{
	struct fs_info *shared = p->fs, *own;

	if (__atomic_load_n(&shared->users, __ATOMIC_RELAXED) == 1)
		return 0;
	own = fs_dup(shared);
	if (!own)
		return -ENOMEM;
	mutex_lock(&task_lock);
	p->fs = own;
	mutex_unlock(&task_lock);
	fs_put(shared);
	return 0;
}

/* Threads of a process cannot stop sharing files and directories here: EPERM. */
DEFINE_SYSCALL1(unshare, u64, flags)
{
	struct process *p = current_process();
	bool alone = p->nthreads == 1;
	int err = 0;

	if (flags & ~(u64)(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES |
			   CLONE_SYSVSEM | CLONE_NAMESPACES))
		return -EINVAL;
	/* These have no effect: unshare(2) says that they do nothing for a single thread. */
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && !alone)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) &&
	    __atomic_load_n(&p->sighand->users, __ATOMIC_RELAXED) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && __atomic_load_n(&p->mm->users, __ATOMIC_RELAXED) > 1)
		return -EINVAL;
	if ((flags & CLONE_NAMESPACES) || ((flags & (CLONE_FS | CLONE_FILES)) && !alone))
		return -EPERM;
	if (flags & CLONE_FS)
		err = unshare_fs(p);
	if (!err && (flags & CLONE_FILES))
		err = files_unshare();
	/* The adjustments of semaphores are done now: semop(2). */
	if (!err && (flags & CLONE_SYSVSEM))
		sem_exit(p);
	return err;
}
