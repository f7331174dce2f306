/* SPDX-License-Identifier: MIT */
/*
 * A thread. Only the thread itself uses its fields, with these exceptions: the scheduler's
 * (schedule.h), and those that other threads read or write under task_lock, such as .pending,
 * .dying, .frozen, .ptrace, .seccomp, .cpus and those of policy.c.
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
#include "kernel/task/seccomp_state.h"
#include "kernel/task/sigset.h"
#include "kernel/task/usage.h"

struct path_prefetch;
struct process;
struct user_segs;
struct vfork_wait;

#define TASK_COMM 16

struct thread {
	s32 tid;
	u32 users; /* its vCPU, and the tracer that waits for it; the last one frees it; atomic */
	u32 vcpu;  /* where it runs or ran last */
	struct process *proc;
	TAILQ_ENTRY(thread) link;
	LIST_ENTRY(thread) by_tid; /* task.c */
	struct creds creds;
	struct creds *acting;	     /* if not NULL, its identity on the host: task/host_ids.h */
	struct arch_context context; /* its kernel stack, and its registers while it does not run */
	struct sched_thread sched;
	bool dying; /* it ends instead of going back to its program; task_lock */

	void (*begin)(void); /* what it does in the kernel before it enters its program, or NULL */
	u64 set_tid;	     /* user address for CLONE_CHILD_SETTID until it begins, or 0 */

	/* usage.c: the counts until it got its vCPU. Readers on other vCPUs use no lock. */
	u64 cpu_ns, system_ns;
	u64 cpu_told; /* what usage_cpu_ns has returned at most; task_lock */
	u64 minor_faults, voluntary, involuntary;
	u64 charged_ns;	      /* CPU time that signals were sent for: task/timer.c */
	struct cpu_mask cpus; /* sched_setaffinity(2) */

	struct vfork_wait *vfork_wait; /* its creator's, until it gives the memory back */
	struct frozen *frozen;	       /* NULL unless it is frozen: task/freeze.c */
	struct ptrace_state ptrace;
	struct seccomp_state seccomp;
	struct user_dispatch {
		bool on;
		u64 offset, len; /* calls from here pass */
		u64 selector;	 /* address of the byte that decides the others; 0: none passes */
	} user_dispatch;	 /* task/user_dispatch.h */

	sigset blocked;
	sigset saved_blocked; /* restored after sigsuspend, ppoll, ... */
	bool restore_blocked;
	sigset waited; /* what rt_sigtimedwait(2) waits for: these wake it even if blocked */
	struct sigpending pending;
	struct {
		u64 sp, size;
		u32 flags; /* SS_* as last set; SS_DISABLE: no stack */
	} altstack;
	struct {
		u64 trapno, error, addr;
	} fault; /* the last fault, for the sigcontext of later frames */

	u64 clear_child_tid; /* user addresses */
	u64 robust_list;
	bool owns_nothing; /* it can own no futex any more: task/futex_pi.c */
	s32 nice, policy;  /* task/policy.c */
	u32 rt_priority;   /* of SCHED_FIFO and SCHED_RR; otherwise 0 */
	bool reset_on_fork;
	u16 ioprio; /* IOPRIO_PRIO_VALUE; 0: none was set */
	u64 timer_slack;
	bool io_flusher; /* PR_SET_IO_FLUSHER: only kept */
	char comm[TASK_COMM];
	LIST_HEAD(, pidfd) pidfds; /* task/pidfd.c */

	struct check_buffer bad_buffer;
	struct check_origin check_origin;

	struct path_prefetch *prefetch; /* fs/path_prefetch.c; NULL: it has made no path lookup */
	u64 calls;			/* how many system calls it has made */
	bool is_lookup;			/* the system call under way is a path lookup */

	/* The system call under way, for restarts and the trace. */
	u64 syscall_nr;
	struct {
		s64 (*fn)(void *arg); /* for ERESTART_RESTARTBLOCK; called with .arg */
		u64 arg[4];
	} restart;
	void *trace_line;	/* syscall/trace.c: a line that was begun before the call */
	struct user_segs *segs; /* reused by user_segs_new */
};

static inline struct creds *current_creds(void)
{
	return &current()->creds;
}

/* The program's registers are always at the top of the kernel stack. */
static inline struct trapframe *thread_frame(struct thread *t)
{
	return (struct trapframe *)((char *)t->context.kstack + KSTACK_SIZE) - 1;
}

/*
 * task.c. thread_new returns a thread of p that is not linked, with a kernel stack and memory for
 * its FPU state, or NULL if memory is short. It inherits from like, unless that is NULL. Needs no
 * lock. thread_free drops one of .users; the last one frees the thread with its stack and FPU
 * state.
 */
struct thread *thread_new(struct process *p, const struct thread *like);
void thread_free(struct thread *t);
/*
 * thread_link adds the thread to its process and to the table of numbers, thread_unlink removes it,
 * and thread_renumber changes its number. task_lock is held.
 */
void thread_link(struct thread *t, s32 tid);
void thread_unlink(struct thread *t);
void thread_renumber(struct thread *t, s32 tid);
/*
 * Returns the thread with that number, or NULL. 0 is the running thread. If a leader has ended, its
 * number finds another thread of its process. task_lock is held.
 */
struct thread *thread_find(s32 tid);

/*
 * policy.c: gives a new thread the policy and nice value that it inherits: sched(7), "Resetting
 * scheduling policy for child processes".
 */
void policy_inherit(struct thread *child, const struct thread *parent);

/* clone.c: where a new thread begins. */
__attribute__((noreturn)) void thread_begin(struct thread *t);

#endif
