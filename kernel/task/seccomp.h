/* SPDX-License-Identifier: MIT */
/*
 * seccomp(2): which system calls a thread may make. A thread has a mode and a list of filters, the
 * newest first. A filter never changes and is shared by all threads that inherited it; lists of
 * several threads end in common filters.
 *
 * Only the thread itself and SECCOMP_FILTER_FLAG_TSYNC of another thread of its process change
 * these fields, under task_lock. Filters are only added, so the thread itself reads them without
 * the lock.
 */
#ifndef KERNEL_TASK_SECCOMP_H
#define KERNEL_TASK_SECCOMP_H

#include "common/types.h"
#include "kernel/task/seccomp_state.h"
#include "kernel/task/thread.h"

struct trapframe;

/* Returns true if seccomp_enter has to be called before each system call of the thread. */
static inline bool seccomp_is_on(const struct thread *t)
{
	return READ_ONCE(t->seccomp.mode) != 0;
}

/*
 * Asks the filters of the running thread about the system call in f. Returns true if the call is to
 * be made. Otherwise rax has its result, and perhaps a signal is pending. Does not return if the
 * filters end the thread or its process. May stop for a tracer, which may change the call. No lock
 * is held.
 */
bool seccomp_enter(struct trapframe *f);

/* seccomp(2), and prctl(2) with PR_SET_SECCOMP. filter: the address of a struct sock_fprog. */
s64 seccomp_set_strict(void);
s64 seccomp_set_filter(u64 flags, u64 filter);

/*
 * For ptrace(2): seccomp_filter_of returns the nth filter of a thread, the oldest is 0, with a
 * reference for seccomp_filter_put, or NULL with *err: -ENOENT or, if the thread has none, -EINVAL.
 * task_lock is held. The other two work without it: they copy the program to a user address, unless
 * that is 0, and return its length or -EFAULT; and return the filter's SECCOMP_FILTER_FLAG_*.
 */
struct seccomp_filter *seccomp_filter_of(const struct thread *t, u64 n, s64 *err);
void seccomp_filter_put(struct seccomp_filter *f);
s64 seccomp_filter_copy(const struct seccomp_filter *f, u64 to);
u64 seccomp_filter_flags(const struct seccomp_filter *f);

/* Gives child, which does not run yet, what the running thread has. task_lock is held. */
void seccomp_inherit(struct thread *child);
/* The thread is about to be freed: drops its filters. */
void seccomp_thread_freed(struct thread *t);

#endif
