/* SPDX-License-Identifier: MIT */
/* pidfd_open(2): a process as a file, which becomes readable when the process ends. */
#ifndef KERNEL_TASK_PIDFD_H
#define KERNEL_TASK_PIDFD_H

#include "common/types.h"

struct ofile;
struct process;
struct thread;

/*
 * Returns a new close-on-exec descriptor of the running process for p, or -errno. clone(2) calls
 * this before the new process is in the tree, and removes the descriptor with fdtable_remove if the
 * process never gets there.
 */
s32 pidfd_install(struct process *p);

/*
 * pidfd_exited: the process is a zombie, so its pidfds become readable. pidfd_freed: the process is
 * about to be freed. task_lock is held, or p is not in the tree.
 */
void pidfd_exited(struct process *p);
void pidfd_freed(struct process *p);

/* The thread has ended and leaves its process: its pidfds become readable. task_lock is held. */
void pidfd_thread_ends(struct thread *t);

/* Returns true if f is a pidfd. */
bool is_pidfd(const struct ofile *f);
/* Returns the process of the pidfd f, or NULL if it was waited for. task_lock is held. */
struct process *pidfd_process(struct ofile *f);
/*
 * Returns true if the pidfd f was opened with PIDFD_THREAD, and sets *t to its thread, or to NULL
 * if that has ended. task_lock is held.
 */
bool pidfd_of_thread(struct ofile *f, struct thread **t);

#endif
