/* SPDX-License-Identifier: MIT */
/*
 * A process is what its threads share.
 *
 * task_lock guards: the process tree (parent, children, siblings), pids, groups and sessions,
 * states and exit statuses, shared pending signals.
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

#define PID_MAX			4194304 /* numbers are below */

struct rlimit_pair {
	u64 cur, max;
};

/* Where a parent sleeps until its vfork(2) child lets go of its memory. On the parent's stack. */
struct vfork_wait {
	u32 done; /* the word it sleeps on */
};

struct process {
	s32 pid, pgid, sid;
	struct process *parent;
	s32 made_by;			/* the thread of the parent that it is a child of */
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
	struct creds creds;	   /* its leader's: for others to look at */
	struct rlimit_pair rlimit[BOOT_RLIMITS];
	char comm[TASK_COMM];
	bool dumpable, subreaper;
	s32 pdeathsig;
	u32 personality;
	u8 mce_policy;	/* PR_MCE_KILL_*, only kept */
	u32 membarrier; /* MEMBARRIER_CMD_REGISTER_* that were made */
	s32 oom_score_adj;
	u32 coredump_filter; /* core(5); COREDUMP_FILTER_* */
	u64 end_seen_ns;     /* task/oom.c: when somebody began to wait for its memory, or 0 */
	s32 exit_signal;

	bool nproc_exceeded; /* task/nproc.h */
	bool did_exec;	     /* since fork: the parent may not change its group any more */
	bool group_exit;     /* all threads are to end, with wait_status */
	bool exiting;	     /* the last thread is on its way out: takes no signals any more */
	bool zombie;	     /* its end can be waited for */
	int wait_status;     /* wait(2) status, once one of these is set */
	struct thread *ended_leader; /* it is traced, and not waited for: task/ptrace_link.c */
	struct thread *exec_by;	     /* the thread in execve(2) that all others end for */

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
 * (NULL: the first one, zeros). NULL: no memory. task_lock is not needed. process_free: the number
 * is free from now on; task_lock held.
 */
struct process *process_new(const struct process *parent);
void process_free(struct process *p);
/* A number that nothing has, this one unless it is 0; 0: there is none. task_lock held. */
s32 pid_alloc(s32 wanted);

/* By number, NULL: no such; 0 is the caller's own. task_lock held. */
struct process *process_find(s32 pid);
/*
 * The process that a thread's number names, as Linux's calls about processes take it: the number of
 * any thread will do, and that of a process whose threads have ended. 0 is the caller's own; NULL:
 * no such. task_lock held.
 */
struct process *process_of_tid(s32 tid);

/* ids.c: the session that a process group is in, 0: there is no such group. task_lock held. */
s32 group_session(s32 pgid);

#endif
