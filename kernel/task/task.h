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
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"

struct mm;
struct files;
struct ofile;
struct sighand;
struct user_segs;

#define TASK_COMM 16
#undef NSIG /* asm/signal.h's leaves the real-time signals out */
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

/* Current directory and umask: shared with CLONE_FS. */
struct fs_info {
	u32 users;
	struct mutex lock;
	s32 cwd;		/* host handle (O_PATH) */
	struct ofile *cwd_file; /* owns cwd, a reference; NULL: boot's cwd, which stays open */
	s32 root;		/* host handle of "/" */
	u32 umask;
};

struct rlimit_pair {
	u64 cur, max;
};

struct process {
	s32 pid, pgid, sid;
	struct process *parent;
	s32 ppid_outside; /* parent's pid when parent is NULL (the first process) */
	LIST_HEAD(, process) children;
	LIST_ENTRY(process) sibling;
	LIST_ENTRY(process) all;
	TAILQ_HEAD(, thread) threads;
	u32 nthreads;

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
	s32 exit_signal;

	bool did_exec; /* since fork: the parent may not change its group any more */
	bool exiting;
	int wait_status; /* wait(2) status, once exiting */

	u64 start_ns; /* CLOCK_BOOTTIME at start, for /proc/pid/stat */
	struct {
		s32 timer;		       /* host timer number, -1 none */
	} itimer[3];			       /* ITIMER_REAL, _VIRTUAL, _PROF */
	LIST_HEAD(, posix_timer) posix_timers; /* task/timer.c */
	s32 next_timer_id;
};

struct thread {
	s32 tid;
	u32 vcpu; /* index of its vCPU */
	struct process *proc;
	TAILQ_ENTRY(thread) link;
	void *kstack;

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
	u64 timer_slack;
	char comm[TASK_COMM];

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
/* Ends the calling process with this wait(2) status; the first process ends the sandbox. */
__attribute__((noreturn)) void process_exit(int wait_status);

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

/* Once, before the first thread runs. */
void futex_init(void);
/* Robust futexes of the running thread's dead owner are marked and woken (get_robust_list(2)). */
void futex_exit(struct thread *t);
/* FUTEX_WAKE of a shared or private word of the running process, for CLONE_CHILD_CLEARTID. */
void futex_wake_user(u64 uva, u32 count);

#endif
