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
#define NSIG	  64

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
};

/* Current directory and umask: shared with CLONE_FS. */
struct fs_info {
	u32 users;
	struct mutex lock;
	s32 cwd;  /* host handle (O_PATH) */
	struct ofile *cwd_file; /* owns cwd, a reference; NULL: boot's cwd, which stays open */
	s32 root; /* host handle of "/" */
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
	bool dumpable, no_new_privs;
	u32 personality;
	s32 exit_signal;

	bool exiting;
	int wait_status; /* wait(2) status, once exiting */

	u64 start_ns; /* CLOCK_BOOTTIME at start, for /proc/pid/stat */
	struct itimer_state {
		s32 timer; /* host timer number, -1 none */
		u64 interval_ns;
	} itimer[3]; /* ITIMER_REAL, _VIRTUAL, _PROF */
	void *posix_timers; /* task/timer.c */
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
	struct sigpending pending;
	struct {
		u64 sp, size;
		u32 flags;
	} altstack;

	u64 clear_child_tid; /* user addresses */
	u64 robust_list;
	u64 rseq, rseq_len;
	u32 rseq_sig;
	char comm[TASK_COMM];

	/* The system call under way, for restarts and the trace. */
	u64 syscall_nr;
	struct {
		s64 (*fn)(void *); /* for ERESTART_RESTARTBLOCK */
		u64 arg[4];
	} restart;
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

/* The first process and thread, from boot info; no program in it yet. */
void task_init(void);
/* Ends the calling process with this wait(2) status; the first process ends the sandbox. */
__attribute__((noreturn)) void process_exit(int wait_status);

#endif
