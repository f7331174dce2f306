/* SPDX-License-Identifier: MIT */
/*
 * A process: what its threads share.
 *
 * task_lock guards the tree of processes (parent, children, siblings), numbers, groups and
 * sessions, states and exit statuses, and pending signals.
 */
#ifndef KERNEL_TASK_PROCESS_H
#define KERNEL_TASK_PROCESS_H

#include <bsd/sys/queue.h>
#include "common/boot_info.h"
#include "common/types.h"
#include "kernel/lock.h"
#include "kernel/task/creds.h"
#include "kernel/task/sigset.h"
#include "kernel/task/thread.h"
#include "kernel/task/usage.h"

struct files;
struct fs_info;
struct mm;
struct sighand;

#define COREDUMP_FILTER_DEFAULT 0x33
#define COREDUMP_FILTER_ALL	0x1ff

#define PID_MAX			4194304 /* thread and process numbers are lower */

struct rlimit_pair {
	u64 cur, max;
};

/*
 * A parent sleeps on this until its vfork(2) child gives the memory back. Lies on the parent's
 * stack.
 */
struct vfork_wait {
	u32 done; /* the word it sleeps on */
};

struct process {
	s32 pid, pgid, sid;
	struct process *parent;
	s32 made_by;			/* the parent's thread whose child it is */
	s32 ppid_outside;		/* the parent's pid if parent is NULL (the first process) */
	TAILQ_HEAD(, process) children; /* the oldest first: wait(2) looks in this order */
	TAILQ_ENTRY(process) sibling;
	LIST_ENTRY(process) all;
	TAILQ_HEAD(, thread) threads; /* those that have not ended; the leader may have ended */
	u32 nthreads;
	u32 threads_word; /* changes when a thread ends: execve(2) sleeps on it */

	struct mm *mm;
	struct files *files;
	struct fs_info *fs;
	struct sighand *sighand;
	struct sigpending pending; /* for the whole process */
	struct creds creds;	   /* copy of its leader's, for other threads to read */
	struct rlimit_pair rlimit[BOOT_RLIMITS];
	char comm[TASK_COMM];
	bool dumpable, subreaper;
	bool no_tty; /* it gave up the terminal that its session has: TIOCNOTTY */
	s32 pdeathsig;
	u32 personality;
	u8 mce_policy;	 /* PR_MCE_KILL_*, only reported */
	u32 membarrier;	 /* MEMBARRIER_CMD_REGISTER_*, as registered */
	bool oom_killed; /* killed because RAM was used up; task_lock */
	s32 oom_score_adj;
	u32 coredump_filter; /* core(5); COREDUMP_FILTER_* */
	u64 end_seen_ns;     /* task/oom.c: when a thread first waited for its memory, or 0 */
	s32 exit_signal;
	s32 last_nice; /* of its last thread, when that has ended: /proc/PID/stat */

	bool nproc_exceeded;	     /* task/nproc.h */
	bool did_exec;		     /* since fork: the parent may not change its group */
	bool group_exit;	     /* all threads are to end, with wait_status */
	bool exiting;		     /* its last thread ends: it takes no signals */
	bool zombie;		     /* its end can be waited for */
	int wait_status;	     /* wait(2) status, valid once one of these is set */
	struct thread *ended_leader; /* traced, and not waited for: task/ptrace_link.c */
	struct thread *exec_by;	     /* the thread in execve(2); all others end */

	/* Job control, task/stop.c. */
	u32 stopped;	       /* the signal that stopped it, or 0; threads sleep on this word */
	u32 parked;	       /* how many threads sleep there */
	s32 stop_report;       /* news for wait(2): the signal that stopped it; -1: told; ... */
	bool continued_report; /* ... or: it was continued */

	/* Frozen: task/freeze.c. */
	struct thread *freezer;
	u32 frozen;	 /* how many threads sleep */
	u32 freeze_word; /* the word that they sleep on */

	/* News of its children: task/wait.c. */
	u32 child_word; /* changes with each piece of news; waiting threads sleep on it */
	u32 waiting;	/* how many threads sleep on it */

	struct usage usage;	     /* of threads that ended */
	u64 cpu_told;		     /* what usage_cpu_ns has returned at most */
	struct usage children_usage; /* of children that were waited for */

	u64 start_ns; /* CLOCK_BOOTTIME at start, for /proc/pid/stat */
	/* task/timer.c. */
	struct timer *itimer[3];	 /* ITIMER_REAL, _VIRTUAL, _PROF; NULL: never used */
	struct timer *cpu_limit;	 /* of RLIMIT_CPU; NULL: there was none */
	LIST_HEAD(, timer) posix_timers; /* of timer_create(2) */
	LIST_HEAD(, pidfd) pidfds;	 /* task/pidfd.c */
	struct sem_undos *sem_undos;	 /* ipc/sem.c; NULL: none yet */
	s32 next_timer_id;
};

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

/* Makes the first process and its thread from boot info. The thread has no program yet. */
void task_init(void);
/*
 * task.c. process_new returns a process without threads and memory that has what a child inherits
 * from its parent, or NULL if memory is short. parent NULL is for the first process. Needs no lock.
 * process_free frees a process without threads and children, and its number; task_lock is held.
 */
struct process *process_new(const struct process *parent);
void process_free(struct process *p);
/*
 * Returns a free number: wanted, unless that is 0. Returns 0 if wanted is in use or no number is
 * free. task_lock is held.
 */
s32 pid_alloc(s32 wanted);

/* Returns the process with that number, or NULL. 0 is the caller's own. task_lock is held. */
/*
 * Returns the error of a call that changes or examines process pid, of which there is none here.
 * Pid 1 is there for programs: it is the host's init, with which they may do nothing.
 */
static inline int process_missing(s32 pid)
{
	return pid == 1 ? -EPERM : -ESRCH;
}
struct process *process_find(s32 pid);
/*
 * Returns true if the child belongs to this thread of its parent: wait(2), __WNOTHREAD. Orphans,
 * and the children of a thread that has ended, are the first thread's. task_lock is held.
 * task/wait.c
 */
bool child_is_of(const struct process *child, const struct thread *parent);

/*
 * Returns the process that a number names in Linux's calls about processes: the number of a
 * process, even if its threads have ended, or of any of its threads. 0 is the caller's own. Returns
 * NULL if there is none. task_lock is held.
 */
struct process *process_of_tid(s32 tid);

/*
 * ids.c: returns the session of a process group, or 0 if there is no such group. task_lock is held.
 */
s32 group_session(s32 pgid);

#endif
