/* SPDX-License-Identifier: MIT */
/*
 * Syscall User Dispatch: prctl(2), PR_SET_SYSCALL_USER_DISPATCH. A thread that emulates another
 * system asks to get SIGSYS in place of each system call that is made outside of a range of
 * addresses, while a byte of its own memory says so. Each thread has its own setting. fork, clone
 * and execve turn it off.
 */
#ifndef KERNEL_TASK_USER_DISPATCH_H
#define KERNEL_TASK_USER_DISPATCH_H

#include "common/types.h"
#include "kernel/task/thread.h"

struct trapframe;

/* Returns true if user_dispatch_enter has to be called before each system call of the thread. */
static inline bool user_dispatch_is_on(const struct thread *t)
{
	return READ_ONCE(t->user_dispatch.on);
}

/*
 * Returns true if the system call in f is to be made. Otherwise SIGSYS is pending, and f has the
 * registers from before the call. Does not return if the selector cannot be read or has another
 * value than the two. No lock is held.
 */
bool user_dispatch_enter(struct trapframe *f);

/*
 * Changes the setting of t: the running thread (prctl), or a thread that is stopped for ptrace(2),
 * with task_lock held. Returns 0, -EINVAL or -EFAULT.
 */
s64 user_dispatch_set(struct thread *t, u64 mode, u64 offset, u64 len, u64 selector);

#endif
