/* SPDX-License-Identifier: MIT */
/*
 * A thread. Its fields are its own, but for .pending (task_lock) and the scheduler's (schedule.h).
 */
#ifndef KERNEL_TASK_THREAD_H
#define KERNEL_TASK_THREAD_H

#include <bsd/sys/queue.h>
#include "common/types.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/check_hooks.h"
#include "kernel/task/cpu_mask.h"
#include "kernel/task/creds.h"
#include "kernel/task/ptrace_state.h"
#include "kernel/task/schedule.h"
#include "kernel/task/sigset.h"
#include "kernel/task/usage.h"

struct path_prefetch;
struct process;
struct user_segs;
struct vfork_wait;

#define TASK_COMM 16

struct thread {
	s32 tid;
	u32 users; /* who has to free it: its vCPU, and the tracer that waits for it; atomic */
	u32 vcpu;  /* where it runs, or ran last */
	struct process *proc;
	TAILQ_ENTRY(thread) link;
	LIST_ENTRY(thread) by_tid; /* task.c */
	struct creds creds;
	struct creds *acting;	     /* instead of .creds towards the host: task/host_ids.h */
	struct arch_context context; /* its kernel stack, and its registers while it does not run */
	struct sched_thread sched;
	bool dying; /* ends when it would go back to its program; task_lock */

	u64 set_tid; /* user address for CLONE_CHILD_SETTID until it begins, or 0 */

	/* usage.c: until it got its vCPU; task_lock does not guard it, readers take what they see
	 */
	u64 cpu_ns, system_ns;
	u64 minor_faults, voluntary, involuntary;
	u64 charged_ns;	      /* task/timer.c: of its CPU time, what signals were sent for */
	struct cpu_mask cpus; /* sched_setaffinity(2) */

	struct vfork_wait *vfork_wait; /* its creator's, until it lets go of the memory */
	struct frozen *frozen;	       /* while it is: task/freeze.c */
	struct ptrace_state ptrace;

	sigset blocked;
	sigset saved_blocked; /* to restore after sigsuspend, ppoll, ... */
	bool restore_blocked;
	sigset waited; /* what rt_sigtimedwait(2) sleeps for: wakes it though blocked */
	struct sigpending pending;
	struct {
		u64 sp, size;
		u32 flags; /* SS_* as last given, SS_DISABLE: none */
	} altstack;
	struct {
		u64 trapno, error, addr;
	} fault; /* the last one, for the sigcontext of every frame since */

	u64 clear_child_tid; /* user addresses */
	u64 robust_list;
	bool owns_nothing; /* no futex any more: task/futex_pi.c */
	s32 nice, policy;  /* task/policy.c */
	u32 rt_priority;   /* of SCHED_FIFO and SCHED_RR; else 0 */
	bool reset_on_fork;
	u16 ioprio; /* IOPRIO_PRIO_VALUE; 0: none was set */
	u64 timer_slack;
	char comm[TASK_COMM];
	LIST_HEAD(, pidfd) pidfds; /* task/pidfd.c */

	struct check_buffer bad_buffer;

	struct path_prefetch *prefetch; /* fs/path_prefetch.c; NULL: it made no path lookup yet */
	u64 calls;			/* system calls that it has made */
	bool is_lookup;			/* the system call under way is a path lookup */

	/* The system call under way, for restarts and the trace. */
	u64 syscall_nr;
	struct {
		s64 (*fn)(void *arg); /* for ERESTART_RESTARTBLOCK; called with .arg */
		u64 arg[4];
	} restart;
	void *trace_line;	/* syscall/trace.c: begun before the call */
	struct user_segs *segs; /* reused by user_segs_new */
};

static inline struct creds *current_creds(void)
{
	return &current()->creds;
}

/* The program's registers: always at the top of the kernel stack. */
static inline struct trapframe *thread_frame(struct thread *t)
{
	return (struct trapframe *)((char *)t->context.kstack + KSTACK_SIZE) - 1;
}

/*
 * task.c. A thread that is not linked yet, with a kernel stack and room for its FPU state, which
 * are freed with it. NULL: no memory. task_lock is not needed.
 */
struct thread *thread_new(struct process *p, const struct thread *like);
void thread_free(struct thread *t); /* at the last of its .users */
/* Into and out of its process and what finds threads by number; another number. task_lock held. */
void thread_link(struct thread *t, s32 tid);
void thread_unlink(struct thread *t);
void thread_renumber(struct thread *t, s32 tid);
/* By number, NULL: no such; 0 is the caller's own. task_lock held. */
struct thread *thread_find(s32 tid);

/* policy.c: a new thread begins with another's policy and nice value: sched(7), "Resetting". */
void policy_inherit(struct thread *child, const struct thread *parent);

/* clone.c: the first that a new thread does. */
__attribute__((noreturn)) void thread_begin(struct thread *t);

#endif
