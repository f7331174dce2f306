/* SPDX-License-Identifier: MIT */
/* Signals: which are pending, which thread handles one, and how a handler is entered and left. */
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
 * Sends a signal to a thread (t != NULL, of process p) or to a process, and kicks the thread that
 * should take it. Returns 0, also where the signal is ignored, or -EAGAIN if the limit
 * RLIMIT_SIGPENDING does not allow it. signal_send takes task_lock; the caller of
 * signal_send_locked holds it.
 */
int signal_send(struct process *p, struct thread *t, const siginfo_t *info);
int signal_send_locked(struct process *p, struct thread *t, const siginfo_t *info);
/*
 * The timer with this number was set again or deleted: discards its signals that are still pending.
 * task_lock is held.
 */
void signal_flush_timer(struct process *p, s32 id);

/*
 * Makes a signal pending for a thread that does not run yet, even if its process ignores the
 * signal. task_lock is held.
 */
void signal_queue_locked(struct thread *t, const siginfo_t *info);
/* Sends a signal to all processes of a group. task_lock is held. */
void signal_group(s32 pgid, const siginfo_t *info);
/*
 * Returns true if the running process ignores the signal or the running thread blocks it. task_lock
 * is held.
 */
bool signal_unwanted(int sig);

/*
 * Returns the siginfo of a signal that the running thread sends by kill(2) or tkill(2) (SI_USER,
 * SI_TKILL).
 */
siginfo_t signal_info(int sig, int code);

/*
 * Signals that cannot be blocked, caught or ignored; signals that stop a process by default;
 * signals that are ignored by default.
 */
#define SIGNALS_FORCED	(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
#define SIGNALS_STOP	(SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))
#define SIGNALS_IGNORED (SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH))

/* Signals whose default action writes a core: signal(7). */
#define SIGNALS_CORE                                                                               \
	(SIGBIT(SIGQUIT) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGABRT) | SIGBIT(SIGFPE) |   \
	 SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGSYS) | SIGBIT(SIGXCPU) | SIGBIT(SIGXFSZ))

/*
 * Takes a pending signal of the running thread or its process that is in wanted, blocked or not,
 * off the queue. SIGKILL and SIGSTOP are never taken. Returns the signal's number, or 0 if there is
 * none. For rt_sigtimedwait(2) and signalfd(2). Takes task_lock.
 */
int signal_take(sigset wanted, siginfo_t *info);
/* As signal_take, but takes SIGKILL and SIGSTOP, too: for delivery. task_lock is held. */
int signal_take_locked(sigset wanted, siginfo_t *info);
/* Discards these pending signals of the process and of all its threads. task_lock is held. */
void signal_flush(struct process *p, sigset signals);
/* Makes the thread look at its pending signals. task_lock is held. */
void signal_kick(struct thread *t);

/*
 * Looks at why this vCPU was kicked: makes signals from outside and of timers pending, and checks
 * the windows of the address space again after a fault in one. A call that sleeps on after -EINTR
 * calls it before it sleeps. Takes task_lock and mm.lock.
 */
void signal_upcall(void);

/*
 * Makes this set, without SIGKILL and SIGSTOP, the signals that the running thread blocks. Takes
 * task_lock.
 */
void signal_set_blocked(sigset blocked);
/*
 * As signal_set_blocked, until the end of the system call under way: for ppoll(2), pselect(2) and
 * the like. mask is a user address; 0 does nothing. Returns 0, -EFAULT, or -EINVAL if size is not
 * the size of a sigset.
 */
int signal_block_meanwhile(u64 mask, u64 size);

/*
 * sighand_new returns new dispositions (users 1), all default, or NULL if memory is short.
 * sighand_put drops a reference.
 */
struct sighand *sighand_new(void);
void sighand_put(struct sighand *h);
/*
 * For execve(2): gives the running process its own dispositions if it shares them with another one.
 * Returns 0 or -ENOMEM.
 */
int signal_exec_prepare(void);
/*
 * For execve(2): handlers become default, ignored signals stay ignored, and the alternate stack is
 * reset.
 */
void signal_exec(void);

/*
 * The instruction of the running thread has caused a fault. Makes the signal pending for the
 * thread; if the thread blocks or ignores it, the signal kills. code is the si_code and addr the
 * si_addr. If trapno is a page fault, addr is cr2, too.
 */
void signal_fault(int sig, int code, u64 addr, u64 trapno, u64 error);

/*
 * Makes a signal pending for the running thread that it cannot escape: if the thread blocks or
 * ignores it, the signal kills.
 */
void signal_force(const siginfo_t *info);

/*
 * For a system call that slept before it began, in a stop for a tracer or a supervisor: a signal
 * that is pending now interrupts the call's next sleep. Takes task_lock.
 */
void signal_interrupts_next(void);

/*
 * The default action of a signal that ends the running process. info: the signal. No lock is held.
 */
__attribute__((noreturn)) void signal_ends_process(const siginfo_t *info);

/*
 * The thread ends: discards its pending signals, and kicks the other threads that can take its
 * process's pending signals. task_lock is held.
 */
void signal_thread_ends(struct thread *t);

/*
 * Returns true if an unblocked signal is pending for the running thread, or if the thread has to
 * end, to stop or to freeze. Needs no lock.
 */
bool signal_pending(void);

/*
 * Returns true if the running thread has to end whatever its program would do: it is told to, or a
 * signal is pending whose default action ends the process without a core. For sleeps that other
 * signals do not end. Takes task_lock.
 */
bool signal_deadly_pending(void);

/*
 * The last step before a program goes on. The function looks at the reasons of an upcall, and ends,
 * stops or freezes the thread if that is due. Then it takes default actions, builds the frames of
 * handlers, and restarts or fails an interrupted system call. frame: the program's registers. No
 * lock is held.
 */
void signal_deliver(struct trapframe *frame);

/*
 * frame.c: the stack frame of a handler. signal_frame_push writes the frame and sets the program's
 * registers for the first instruction of the handler. Returns 0, or -EFAULT if the frame does not
 * fit or the handler has no restorer.
 */
struct sigframe_request {
	int sig;
	const struct sigaction_k *action;
	const siginfo_t *info;
	sigset mask; /* restored after the handler */
};
int signal_frame_push(struct trapframe *frame, const struct sigframe_request *req);
/*
 * A frame of a handler is invalid: sends SIGSEGV to the running thread. sig: the signal that the
 * frame was for; SIGSEGV always kills, because its own handler could not run.
 */
void signal_force_segv(int sig);

/*
 * What sigaltstack(2) changes and reports at the stack pointer sp. signal_altstack_set returns 0 or
 * -errno.
 */
int signal_altstack_set(const stack_t *ss, u64 sp);
void signal_altstack_get(stack_t *ss, u64 sp);

#endif
