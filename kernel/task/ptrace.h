/* SPDX-License-Identifier: MIT */
/*
 * Tracing, as the rest of the kernel sees it: where a thread may stop for its tracer
 * (ptrace_stop.c), and what happens to the link between tracer and tracee when one of them ends
 * (ptrace_link.c). ptrace.c has the system call, ptrace_regs.c the registers.
 *
 * The tracee itself calls each function that may stop it. It holds no lock. Unless a function says
 * otherwise, it does nothing for a thread that is not traced.
 */
#ifndef KERNEL_TASK_PTRACE_H
#define KERNEL_TASK_PTRACE_H

#include "kernel/task/process.h"
#include "kernel/task/thread.h"

static inline bool ptrace_traced(const struct thread *t)
{
	return READ_ONCE(t->ptrace.tracer) != NULL;
}

/* -- ptrace_stop.c: stops ---------------------------------------------------------------------- */

/*
 * Signal-delivery-stop for a signal that was taken off the queue. Returns the signal to act on,
 * with *info for it, or 0.
 */
int ptrace_signal_stop(int sig, siginfo_t *info);
/*
 * Returns true if a stop is due that is not about a signal: the thread's process stopped, or the
 * tracer asked for a stop. ptrace_trap_stop makes that stop.
 */
static inline bool ptrace_trap_due(const struct thread *t)
{
	return READ_ONCE(t->ptrace.trap) || READ_ONCE(t->ptrace.notify);
}
void ptrace_trap_stop(void);
/*
 * SIGCONT was sent to p: tracees that were attached by PTRACE_SEIZE report it by a stop. task_lock
 * is held.
 */
void ptrace_continued(struct process *p);
/* Returns true if a stop of the thread's process, or one that its tracer asked for, is due. */
static inline bool ptrace_or_process_stop_due(const struct thread *t)
{
	return ptrace_traced(t) ? ptrace_trap_due(t) : READ_ONCE(t->proc->stopped) != 0;
}
/* Removes from a thread what the tracer set for it, if it is not traced or not stepped any more. */
void ptrace_settle(struct thread *t);
/*
 * Returns true if the program and its tracer must not see this debug exception of the running
 * thread t.
 */
bool ptrace_hides_step(struct thread *t);
/* A handler was entered: a tracee that is stepped stops at its first instruction. */
void ptrace_handler_entered(void);

/*
 * Syscall-stops before and after a system call. ptrace_syscall_enter returns false if the call in
 * the frame must not be made; the tracer may have changed its number and arguments.
 * ptrace_syscall_exit also reports a step over the call.
 */
bool ptrace_syscall_enter(void);
void ptrace_syscall_exit(void);
/* Returns true if the two functions have to be called for the thread. */
static inline bool ptrace_wants_syscalls(const struct thread *t)
{
	return READ_ONCE(t->ptrace.run) != PTRACE_RUN || READ_ONCE(t->ptrace.step) ||
	       t->ptrace.watched;
}

/*
 * Stops that only the stub for gdb gets (common/debugger.h). The first process has ended with this
 * wait(2) status; `buffervm check` has reported a bug of the running thread.
 */
void ptrace_sandbox_ends(int status);
void ptrace_bug(void);

/* PTRACE_EVENT_EXIT. status: as wait(2) will have it. */
void ptrace_exit_event(int status);
/* execve(2) has succeeded in a thread that had the number old_tid. */
void ptrace_exec_event(s32 old_tid);
/*
 * Stops for PTRACE_EVENT_FORK, _VFORK, _CLONE or _VFORK_DONE, if the tracer asked for that event.
 */
void ptrace_child_event(int what, s32 tid);
/*
 * Stops for PTRACE_EVENT_SECCOMP. Returns 0, -ENOSYS if no tracer asked for that event, or -EINTR
 * if the thread has to end.
 */
int ptrace_seccomp_event(u64 message);

/* Makes the thread look at its pending signals, even in a ptrace-stop. task_lock is held. */
void ptrace_wake(struct thread *t);

/* -- ptrace_link.c: links between threads. task_lock is held in all of these ------------------- */

void ptrace_attach(struct thread *t, struct thread *tracer, bool seized, u32 options);
/*
 * Ends the tracing of t. A stopped tracee goes on. For one that has ended, it is the parent's turn
 * to wait.
 */
void ptrace_detach(struct thread *t);
/*
 * The running thread has made child, which does not run yet. Attaches its tracer to the child, if
 * the tracer asked for this event (0: no event) or forced is set (CLONE_PTRACE).
 */
void ptrace_new_thread(struct thread *child, int event, bool forced);
/* The running thread t ends: detaches its tracees. */
void ptrace_tracer_ends(struct thread *t);
/*
 * The thread t has left its process. Returns true if the struct t now belongs to its tracer, which
 * waits for it; otherwise the caller frees it.
 */
bool ptrace_thread_ended(struct thread *t, int status);
/* Returns the tracer that sees a process's end in wait(2) before the parent does, or NULL. */
struct thread *ptrace_leader_tracer(const struct process *p);
/* A thread other than the leader called execve(2) and becomes the leader. */
void ptrace_leader_replaced(struct process *p);
/* The process is about to be freed: frees what was kept of its leader. */
void ptrace_process_freed(struct process *p);

/*
 * Returns true if t's tracer has no CAP_SYS_PTRACE, and so might not look into a privileged
 * process.
 */
bool ptrace_by_unprivileged(const struct thread *t);
/* Returns true if t is in a stop that wait(2) has not reported. */
bool ptrace_has_news(const struct thread *t);
/* Sends SIGCHLD to the tracer and wakes its threads in wait(2). */
void ptrace_tell_tracer(struct thread *t, int code, int status);

#endif
