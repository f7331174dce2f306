/* SPDX-License-Identifier: MIT */
/* Signals: what is pending, who handles it, and how a handler is entered and left. */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include "kernel/lock.h"
#include "kernel/task/sigset.h"

struct process;
struct thread;
struct trapframe;

struct sigaction_k { /* the kernel's struct sigaction, as rt_sigaction(2) passes it */
	u64 handler;
	u64 flags;
	u64 restorer;
	sigset mask;
};

struct sighand {
	u32 users;
	struct mutex lock;
	struct sigaction_k action[NSIG];
};

/*
 * Queues a signal for a thread (t != NULL) or process. Kicks whoever should take it. 0 (also where
 * the signal is ignored), or -EAGAIN: RLIMIT_SIGPENDING is reached. The second is for callers that
 * hold task_lock, which the first one takes.
 */
int signal_send(struct process *p, struct thread *t, const siginfo_t *info);
int signal_send_locked(struct process *p, struct thread *t, const siginfo_t *info);
/*
 * The timer with this number is set anew or deleted: a signal of its that nobody has taken is void.
 * task_lock held.
 */
void signal_flush_timer(struct process *p, s32 id);

/* For a thread that does not run yet: pending, whoever ignores it. task_lock held. */
void signal_queue_locked(struct thread *t, const siginfo_t *info);
/* For all processes of a group. task_lock held. */
void signal_group(s32 pgid, const siginfo_t *info);
/* The running process ignores it, or the running thread blocks it. task_lock held. */
bool signal_unwanted(int sig);

/* siginfo of a signal that the running process sends by kill(2) or tkill(2) (SI_USER, SI_TKILL). */
siginfo_t signal_info(int sig, int code);

/* Signals that cannot be blocked, caught or ignored; that stop; whose default is to be ignored. */
#define SIGNALS_FORCED	(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
#define SIGNALS_STOP	(SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))
#define SIGNALS_IGNORED (SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH))

/*
 * Takes the first pending signal of the running thread or its process that is in wanted (blocked
 * or not) off the queue: its number, 0 if there is none. For rt_sigtimedwait(2) and signalfd(2).
 */
int signal_take(sigset wanted, siginfo_t *info);
/* The same with task_lock held, SIGKILL and SIGSTOP too: for delivery. */
int signal_take_locked(sigset wanted, siginfo_t *info);
/* Forgets these for the process and all its threads. task_lock held. */
void signal_flush(struct process *p, sigset signals);
/* Makes the thread look at what is pending. task_lock held. */
void signal_kick(struct thread *t);

/*
 * Looks at why this vCPU was kicked: signals from outside and timers become pending, changed
 * windows are looked at again. For calls that sleep on after -EINTR.
 */
void signal_upcall(void);

/* Blocks exactly these (SIGKILL and SIGSTOP never) for the running thread. */
void signal_set_blocked(sigset blocked);
/*
 * The same until the system call under way is done, as ppoll(2) and pselect(2) do. -EFAULT, or
 * -EINVAL where size is not that of a sigset; mask 0: nothing to do.
 */
int signal_block_meanwhile(u64 mask, u64 size);

/* Fresh dispositions (users 1), all default; NULL: no memory. Drops a reference. */
struct sighand *sighand_new(void);
void sighand_put(struct sighand *h);
/* execve(2): dispositions that are shared with another process become own. 0 or -ENOMEM. */
int signal_exec_prepare(void);
/* execve(2): handlers become default, ignored stay; the alternate stack is forgotten. */
void signal_exec(void);

/*
 * A fault of the running instruction: delivered at once; kills when blocked or ignored. code is
 * the si_code; addr the si_addr (and cr2 where trapno is a page fault).
 */
void signal_fault(int sig, int code, u64 addr, u64 trapno, u64 error);

/* The thread ends: what it would have taken of its process's signals is for the others. task_lock
 * held. */
void signal_thread_ends(struct thread *t);

/* Some unblocked signal waits for the running thread, or it is to end or to stop. */
bool signal_pending(void);

/*
 * Last thing before the program goes on: looks at the upcall reasons (timers, signals from
 * outside), restarts or fails an interrupted system call, builds handler frames, takes default
 * actions. restart: the trap was a system call whose result is in frame->rax.
 */
void signal_deliver(struct trapframe *frame);

/*
 * frame.c: the stack frame of a handler. signal_frame_push makes the program's registers those of
 * the handler's first instruction; -EFAULT when the stack cannot take the frame.
 */
struct sigframe_request {
	int sig;
	const struct sigaction_k *action;
	const siginfo_t *info;
	sigset mask; /* to have again after the handler */
};
int signal_frame_push(struct trapframe *frame, const struct sigframe_request *req);
/* Kills the thread's process, or runs its SIGSEGV handler, for a frame that is no good. */
void signal_force_segv(int sig);

/* Effect of sigaltstack(2) at this stack pointer: 0 or -errno. */
int signal_altstack_set(const stack_t *ss, u64 sp);
void signal_altstack_get(stack_t *ss, u64 sp);

#endif
