/* SPDX-License-Identifier: MIT */
/* POSIX message queues as open files: mq_overview(7). */
#ifndef KERNEL_IPC_MQUEUE_H
#define KERNEL_IPC_MQUEUE_H

#include "common/types.h"

struct ofile;
struct stat;

/* f is an OFILE_MQUEUE in all of these. fstat(2); *st has the host's answer for the handle. */
void mqueue_stat(struct ofile *f, struct stat *st);
/* read(2): the queue's state as text. Bytes or -errno. */
s64 mqueue_read(struct ofile *f, u64 buf, u64 len);
/* The running process closes a descriptor for it: its notification goes. */
void mqueue_closed(struct ofile *f);
/* The last reference goes. */
void mqueue_forget(struct ofile *f);

#endif
