/* SPDX-License-Identifier: MIT */
/*
 * Processes and threads. A thread is a vCPU while it lives; a process is what its threads share.
 *
 * task_lock guards: the process tree (parent, children, siblings), pids, groups and sessions,
 * states and exit statuses, shared pending signals. A thread's own fields are its own, but for
 * .pending (task_lock) and the vCPU's upcall word.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <bsd/sys/queue.h>
#include <asm/siginfo.h>
#include <linux/capability.h>
#include <linux/signal.h>
#include "common/types.h"
#include "common/boot_info.h"
#include "kernel/check_hooks.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"

struct mm;
struct rusage;
struct files;
struct ofile;
struct sighand;
struct look_ahead;
struct user_segs;

#define TASK_COMM 16
#define PID_MAX	  4194304 /* numbers are below */
#undef NSIG		  /* asm/signal.h's leaves the real-time signals out */
#define NSIG 64

typedef u64 sigset; /* bit n: signal n + 1 */
#define SIGBIT(s) (1UL << ((s)-1))

struct sigqueue {
	TAILQ_ENTRY(sigqueue) link;
	siginfo_t info;
};
struct sigpending {
	sigset set;
	TAILQ_HEAD(, sigqueue) queue;
};

struct creds {
	u32 ruid, euid, suid, fsuid;
	u32 rgid, egid, sgid, fsgid;
	u32 ngroups;
	u32 groups[64];
	u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding; /* bit n: capability n */
};

#define CAPABILITIES_ALL ((1UL << (CAP_LAST_CAP + 1)) - 1)

/* Current directory and umask: shared with CLONE_FS. See fs_dup, fs_put. */
struct fs_info {
	u32 users; /* atomic */
	struct mutex lock;
	s32 cwd;		/* host handle (O_PATH) */
	struct ofile *cwd_file; /* owns cwd, a reference; NULL: boot's cwd, which stays open */
	s32 root;		/* host handle of "/" */
	u32 umask;
};

/* A copy for fork(2), NULL: no memory. Drops a reference. */
struct fs_info *fs_dup(struct fs_info *fs);
void fs_put(struct fs_info *fs);

struct rlimit_pair {
	u64 cur, max;
};

/* CPU time and counts of threads that ended, as getrusage(2) has them. */
struct usage {
	u64 user_us, system_us;
	u64 minor_faults, major_faults;
	u64 in_blocks, out_blocks;
	u64 voluntary, involuntary;
	u64 max_rss; /* KiB */
};

/* Where a parent sleeps until its vfork(2) child lets go of its memory. On the parent's stack. */
struct vfork_wait {
	u32 done; /* the word it sleeps on */
};

struct process {
	s32 pid, pgid, sid;
	struct process *parent;
	s32 ppid_outside;		/* parent's pid when parent is NULL (the first process) */
	TAILQ_HEAD(, process) children; /* the oldest first: wait(2) finds them so */
	TAILQ_ENTRY(process) sibling;
	LIST_ENTRY(process) all;
	TAILQ_HEAD(, thread) threads; /* those that have not ended; the leader may be gone */
	u32 nthreads;
	u32 threads_word; /* changes when a thread ends: execve(2) sleeps on it */

	struct mm *mm;
	struct files *files;
	struct fs_info *fs;
	struct sighand *sighand;
	struct sigpending pending; /* for the whole process */
	struct creds creds;
	struct rlimit_pair rlimit[BOOT_RLIMITS];
	char comm[TASK_COMM];
	bool dumpable, no_new_privs, keep_caps, subreaper;
	s32 pdeathsig;
	u32 personality;
	u32 membarrier; /* MEMBARRIER_CMD_REGISTER_* that were made */
	s32 oom_score_adj;
	u64 end_seen_ns; /* task/oom.c: when somebody began to wait for its memory, or 0 */
	s32 exit_signal;

	bool nproc_exceeded;	/* task/nproc.h */
	bool did_exec;		/* since fork: the parent may not change its group any more */
	bool group_exit;	/* all threads are to end, with wait_status */
	bool exiting;		/* the last thread is on its way out: takes no signals any more */
	bool zombie;		/* its end can be waited for */
	int wait_status;	/* wait(2) status, once one of these is set */
	struct thread *exec_by; /* the thread in execve(2) that all others end for */
	struct vfork_wait *vfork_wait; /* the parent's */

	/* Job control, task/stop.c. */
	u32 stopped;	       /* the signal that stopped it, or 0; threads sleep on this word */
	u32 parked;	       /* threads that do */
	s32 stop_report;       /* what wait(2) has not told the parent yet: the stop signal, ... */
	bool continued_report; /* ... or that it goes on */

	/* Frozen for a look at it: task/freeze.c. */
	struct thread *freezer;
	u32 frozen;	 /* threads that sleep for it */
	u32 freeze_word; /* that they sleep on */

	/* Its children's news: task/wait.c. */
	u32 child_word; /* changes with each; the sleepers' word */
	u32 waiting;	/* threads that sleep on it */

	struct usage usage;	     /* of threads that ended */
	struct usage children_usage; /* of children that were waited for */

	u64 start_ns; /* CLOCK_BOOTTIME at start, for /proc/pid/stat */
	/* task/timer.c. */
	struct timer *itimer[3];	 /* ITIMER_REAL, _VIRTUAL, _PROF; NULL: never used */
	struct timer *cpu_limit;	 /* of RLIMIT_CPU; NULL: there was none */
	LIST_HEAD(, timer) posix_timers; /* of timer_create(2) */
	u32 ntimers;			 /* how many */
	LIST_HEAD(, pidfd) pidfds;	 /* task/pidfd.c */
	struct sem_undos *sem_undos;	 /* ipc/sem.c; NULL: none yet */
	s32 next_timer_id;
};

struct thread {
	s32 tid;
	u32 vcpu; /* index of its vCPU */
	struct process *proc;
	TAILQ_ENTRY(thread) link;
	void *kstack; /* the vCPU's */
	bool dying;   /* ends when it would go back to its program; task_lock */

	/* How it begins, from clone to thread_begin. */
	struct {
		struct xsave_area *fpu;
		u64 fsbase, gsbase;
		u64 set_tid; /* user address for CLONE_CHILD_SETTID, or 0 */
	} start;
	struct usage start_usage; /* of the vCPU's host thread, when this one began */

	struct frozen *frozen; /* while it is: task/freeze.c */

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
	s32 nice, policy;
	u16 ioprio; /* IOPRIO_PRIO_VALUE; 0: none was set */
	u64 timer_slack;
	char comm[TASK_COMM];

	struct check_buffer bad_buffer;

	struct look_ahead *look_ahead; /* fs/look_ahead.c; NULL: it has not asked yet */
	u64 calls;		       /* system calls that it has made */
	bool looked;		       /* the system call under way is a question of it */

	/* The system call under way, for restarts and the trace. */
	u64 syscall_nr;
	struct {
		s64 (*fn)(void *arg); /* for ERESTART_RESTARTBLOCK; called with .arg */
		u64 arg[4];
	} restart;
	void *trace_line;	/* syscall/trace.c: begun before the call */
	struct user_segs *segs; /* reused by user_segs_new */
};

/* The program's registers: always at the top of the kernel stack. */
static inline struct trapframe *thread_frame(struct thread *t)
{
	return (struct trapframe *)((char *)t->kstack + KSTACK_SIZE) - 1;
}
static inline struct process *current_process(void)
{
	return current()->proc;
}
static inline struct mm *current_mm(void)
{
	return current()->proc->mm;
}

extern struct mutex task_lock;
extern struct process *init_process;
LIST_HEAD(process_list, process);
extern struct process_list all_processes; /* task_lock */

/* The first process and thread, from boot info; no program in it yet. */
void task_init(void);
/*
 * task.c. A process without threads and memory, with what a child takes over from its parent
 * (NULL: the first one, zeros); a thread that is not linked yet. NULL: no memory. task_lock is not
 * needed. process_free: the number is free from now on; task_lock held.
 */
struct process *process_new(const struct process *parent);
void process_free(struct process *p);
struct thread *thread_new(struct process *p, const struct thread *like);
void thread_free(struct thread *t);
void thread_link(struct thread *t, s32 tid); /* task_lock held */
/* A number that nothing has, this one unless it is 0; 0: there is none. task_lock held. */
s32 pid_alloc(s32 wanted);

/* sched.c: a new thread's vCPU runs where the running thread's does. */
void affinity_inherit(const struct thread *child);

/* clone.c: on its vCPU, the first that a new thread does. */
__attribute__((noreturn)) void thread_begin(struct thread *t);

/*
 * exit.c. Ends the calling process with this wait(2) status, or the calling thread (status: what
 * the process ends with if nothing else decides). The first process's end is the sandbox's.
 */
__attribute__((noreturn)) void process_exit(int wait_status);
__attribute__((noreturn)) void thread_exit(int wait_status);
/* All threads but the running one are told to end. task_lock held. */
void process_kill_others(struct process *p);
/*
 * execve(2): the running thread becomes the only one of its process and has its number. 0, or
 * -EAGAIN: the process ends, or another thread does the same.
 */
int process_single(void);
/* execve(2) and exit: the memory that vfork(2) lent is the parent's again. */
void vfork_release(struct process *p);

/* wait.c: the parent has something to learn of a child. task_lock held. */
void wait_notify(struct process *parent);

/* stop.c. task_lock held: the process stops; goes on, of which its parent hears or not. */
void process_stop(struct process *p, int sig);
void process_continue(struct process *p, bool report);
/* Nobody in the session could continue its group: terminal signals do not stop it. task_lock held.
 */
bool process_orphaned(struct process *p);
/* The running thread's process is stopped: sleeps until it is not, or the thread is to end. */
void process_park(void);
/* A thread ended or parked: the parent hears of the stop when it was the last one. task_lock held.
 */
void process_stopped_check(struct process *p);
/* Groups that lose their last tie to the session through p's end: setpgid(2). task_lock held. */
void process_orphans(struct process *p);

/*
 * usage.c. The running thread's counts since usage_begin; those of a whole process, its waited-for
 * children left out (task_lock held); sums and other forms.
 */
void usage_begin(struct thread *t);
void usage_thread(struct usage *u);
void usage_process(struct process *p, struct usage *u);
void usage_add(struct usage *sum, const struct usage *u);
struct rusage usage_to_rusage(const struct usage *u);
/* CPU time of the process, or of its thread t. task_lock held. */
u64 usage_cpu_ns(const struct process *p, const struct thread *t);

#define USAGE_TICKS 100 /* USER_HZ: what times(2) and siginfo count in */
static inline s64 usage_ticks(u64 us)
{
	return (s64)(us / (1000000 / USAGE_TICKS));
}

/* ids.c: the session that a process group is in, 0: there is no such group. task_lock held. */
s32 group_session(s32 pgid);

/* By number, NULL: no such. Caller holds task_lock. 0 is the caller's own in both. */
struct process *process_find(s32 pid);
struct thread *thread_find(s32 tid);

/* The running process has this capability (CAP_*). */
bool capable(unsigned cap);
/* The running process may change that one (limits, scheduling): same user, or the capability. */
bool creds_may_change(const struct process *p, unsigned cap);
/* kill(2): a user ID of the running process is the real or saved one of that process. */
bool creds_may_signal(const struct process *p);

/* Host timers that expired (bits of vcpu_data.timers_expired): their signals are sent. */
void timers_expired(u64 bits);
/* An SI_TIMER signal is about to be delivered: its overrun count is filled in. task_lock held. */
void timer_signal_taken(siginfo_t *info);

/* execve(2): the timers of timer_create(2) go, those of setitimer(2) stay. */
void timers_exec(void);
/* The running process ends: all of them go. */
void timers_exit(void);
/* RLIMIT_CPU of the process was changed or inherited. 0 or -errno. task_lock held. */
int timers_limit(struct process *p);

/* Once, before the first thread runs. */
void futex_init(void);
/* Robust futexes of the running thread's dead owner are marked and woken (get_robust_list(2)). */
void futex_exit(struct thread *t);
/* FUTEX_WAKE of a shared or private word of the running process, for CLONE_CHILD_CLEARTID. */
void futex_wake_user(u64 addr, u32 count);

#endif
