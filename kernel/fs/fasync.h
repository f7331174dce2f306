/* SPDX-License-Identifier: MIT */
/* Files that send a signal when there is input: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2)). */
#ifndef KERNEL_FS_ASYNC_H
#define KERNEL_FS_ASYNC_H

#include "common/types.h"

struct ofile;

/* O_ASYNC was set or cleared through descriptor fd. 0 or -ENOMEM. */
s64 async_set(struct ofile *f, s32 fd, bool on);
/* The file got, or lost, a lease or an F_NOTIFY through descriptor fd: its owner is told then. */
s64 async_lease(struct ofile *f, s32 fd, bool on);
/* F_GETOWN, F_SETOWN, F_GETOWN_EX, F_SETOWN_EX, F_GETSIG, F_SETSIG. */
s64 async_fcntl(struct ofile *f, u32 cmd, u64 arg);
/* ioctl(2) FIOASYNC: arg points to an int, on or off. */
s64 async_ioctl(struct ofile *f, s32 fd, u64 arg);
/* The host sent signals for files: their owners are told. */
void async_arrived(void);
/* The last reference to f goes. */
void async_forget(struct ofile *f);

#endif
