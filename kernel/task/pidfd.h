/* SPDX-License-Identifier: MIT */
/* pidfd_open(2): a process as a file, which becomes readable when the process ends. */
#ifndef KERNEL_TASK_PIDFD_H
#define KERNEL_TASK_PIDFD_H

#include "common/types.h"

struct ofile;
struct process;
struct thread;

/*
 * A descriptor of the running process for p (close-on-exec), or -errno. clone(2) does this before
 * the new process is in the tree, and takes it back with fdtable_remove if it never gets there.
 */
s32 pidfd_install(struct process *p);

/* A process ends, and everybody may know; its memory goes. task_lock held (or p in no tree). */
void pidfd_exited(struct process *p);
void pidfd_freed(struct process *p);

/* The thread, which has ended, leaves its process. task_lock held. */
void pidfd_thread_ends(struct thread *t);

/* Is f one? */
bool is_pidfd(const struct ofile *f);
/* The process, or NULL when it was waited for. f is a pidfd. task_lock held. */
struct process *pidfd_process(struct ofile *f);
/* Whether it was opened with PIDFD_THREAD; *t is the thread, or NULL when that ended. The same. */
bool pidfd_of_thread(struct ofile *f, struct thread **t);

#endif
