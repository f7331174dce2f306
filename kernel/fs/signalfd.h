/* SPDX-License-Identifier: MIT */
/* signalfd(2): signals as something to read. */
#ifndef KERNEL_FS_SIGNALFD_H
#define KERNEL_FS_SIGNALFD_H

#include "common/types.h"

struct ofile;

/* A signal has become pending, of whichever process: files that wait for it become readable.
 * task_lock held. */
void signalfd_notify(int sig);
/* read(2) of such a file into the program's buffer. Bytes or -errno. */
s64 signalfd_read(struct ofile *f, u64 buf, u64 len);
/* The last reference goes. */
void signalfd_forget(struct ofile *f);

#endif
