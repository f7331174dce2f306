/* SPDX-License-Identifier: MIT */
/*
 * Tracing, as the rest of the kernel sees it: where a thread may stop for its tracer
 * (ptrace_stop.c), and what happens to the tie between the two when either of them ends
 * (ptrace_link.c). ptrace.c has the system call, ptrace_regs.c the registers.
 *
 * Each function that may stop is called by the tracee itself, without a lock, and does nothing for
 * a thread that nobody traces.
 */
#ifndef KERNEL_TASK_PTRACE_H
#define KERNEL_TASK_PTRACE_H

#include "kernel/task/process.h"
#include "kernel/task/thread.h"

static inline bool ptrace_traced(const struct thread *t)
{
	return READ_ONCE(t->ptrace.tracer) != NULL;
}

/* -- ptrace_stop.c: stops -------------------------------------------------------------------- */

/*
 * Signal-delivery-stop for a signal that was taken off the queue. Returns the signal to act on,
 * with *info made to fit, or 0.
 */
int ptrace_signal_stop(int sig, siginfo_t *info);
/* A stop is due that is not about a signal: the thread's process stopped, or the tracer asked. */
static inline bool ptrace_trap_due(const struct thread *t)
{
	return READ_ONCE(t->ptrace.trap) || READ_ONCE(t->ptrace.notify);
}
void ptrace_trap_stop(void);
/* SIGCONT was sent to p: a PTRACE_SEIZEd tracee tells of it by a stop. task_lock held. */
void ptrace_continued(struct process *p);
/* A stop of the thread's process, or one that its tracer asked for, is due. */
static inline bool ptrace_or_process_stop_due(const struct thread *t)
{
	return ptrace_traced(t) ? ptrace_trap_due(t) : READ_ONCE(t->proc->stopped) != 0;
}
/* A thread that is traced no more, or not stepped any more, loses what the tracer set for it. */
void ptrace_settle(struct thread *t);
/* A debug exception that the program and its tracer are not to hear of. The running thread's. */
bool ptrace_hides_step(struct thread *t);
/* A handler was entered while the tracee is stepped: it stops at the first instruction. */
void ptrace_handler_entered(void);

/*
 * Syscall-stops. The first returns false if the call in the frame is not to be made (its number
 * and arguments may have been changed); the second tells a step over the call, too.
 */
bool ptrace_syscall_enter(void);
void ptrace_syscall_exit(void);
/* The thread is traced in a way that one of the two has to be called. */
static inline bool ptrace_wants_syscalls(const struct thread *t)
{
	return READ_ONCE(t->ptrace.run) != PTRACE_RUN || READ_ONCE(t->ptrace.step) ||
	       t->ptrace.watched;
}

/* PTRACE_EVENT_EXIT; status as wait(2) will have it. */
void ptrace_exit_event(int status);
/* execve(2) is done, by a thread that had the number old_tid. */
void ptrace_exec_event(s32 old_tid);
/* One of PTRACE_EVENT_FORK, _VFORK, _CLONE and _VFORK_DONE, if the tracer wants it. */
void ptrace_child_event(int what, s32 tid);

/* The thread looks at its pending signals again, even in a ptrace-stop. task_lock held. */
void ptrace_wake(struct thread *t);

/* -- ptrace_link.c: who traces whom. task_lock is held in all of these ---------------------------
 */

void ptrace_attach(struct thread *t, struct thread *tracer, bool seized, u32 options);
/* The tie goes. A stopped tracee goes on; one that has ended becomes its parent's to wait for. */
void ptrace_detach(struct thread *t);
/* The child of a thread that is traced for this event (0: none is), before it runs. */
void ptrace_new_thread(struct thread *child, int event, bool forced);
/* The running thread ends: it traces nobody any more. */
void ptrace_tracer_ends(struct thread *t);
/*
 * The thread t has left its process. Returns true if t, the struct, now is its tracer's to wait
 * for; else the caller frees it.
 */
bool ptrace_thread_ended(struct thread *t, int status);
/* The tracer that wait(2) shows a process's end to, before its parent; NULL: there is none. */
struct thread *ptrace_leader_tracer(const struct process *p);
/* A thread other than the leader made an execve(2), and becomes the leader. */
void ptrace_leader_replaced(struct process *p);
/* The process goes, with what was kept of its leader. */
void ptrace_process_freed(struct process *p);

/* Somebody traces t who might not look into a privileged process. */
bool ptrace_by_unprivileged(const struct thread *t);
/* News of a tracee for wait(2): a stop that was not told. */
bool ptrace_has_news(const struct thread *t);
/* SIGCHLD to the tracer, and its wait(2) looks again. */
void ptrace_tell_tracer(struct thread *t, int code, int status);

#endif
