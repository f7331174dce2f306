/* SPDX-License-Identifier: MIT */
/* Record locks of fcntl(2), and what becomes of them when descriptors are closed. */
#ifndef KERNEL_IPC_LOCKS_H
#define KERNEL_IPC_LOCKS_H

#include <linux/fcntl.h>
#include "common/types.h"

struct files;
struct ofile;

/*
 * F_GETLK, F_SETLK, F_SETLKW and the F_OFD_ ones, on f, which the running process's descriptor fd
 * names. *lock is filled for F_GETLK. 0, -errno, or -ERESTARTSYS.
 */
s64 record_lock(struct ofile *f, s32 fd, u32 cmd, struct flock *lock);

/* One of the descriptors in files that named f is closed: all locks of files on that file go. */
void record_locks_close(struct files *files, struct ofile *f);
/* The last reference to f goes. */
void record_locks_forget(struct ofile *f);

#endif
