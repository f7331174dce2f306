/* SPDX-License-Identifier: MIT */
/* Files that send a signal when there is input: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2)). */
#ifndef KERNEL_FS_FASYNC_H
#define KERNEL_FS_FASYNC_H

#include "common/types.h"

struct ofile;

/* Called when O_ASYNC is set or cleared through descriptor fd. Returns 0 or -ENOMEM. */
s64 async_set(struct ofile *f, s32 fd, bool on);
/*
 * Called before f gets a lease or an F_NOTIFY through descriptor fd, and after f has lost it. While
 * f has one, its owner gets f's signals without O_ASYNC; a file without an owner gets the running
 * process. Returns 0 or -ENOMEM.
 */
s64 async_lease(struct ofile *f, s32 fd, bool on);
/* fcntl(2) with F_GETOWN, F_SETOWN, F_GETOWN_EX, F_SETOWN_EX, F_GETSIG or F_SETSIG. */
s64 async_fcntl(struct ofile *f, u32 cmd, u64 arg);
/* ioctl(2) with FIOASYNC: arg points to an int of the program, zero for off. */
s64 async_ioctl(struct ofile *f, s32 fd, u64 arg);
/* ioctl(2) with FIOSETOWN, FIOGETOWN, SIOCSPGRP or SIOCGPGRP, which only sockets have. */
s64 async_owner_ioctl(struct ofile *f, u32 nr, u64 arg);
/* Called after the host has sent signals for files: sends signals to their owners. No lock held. */
void async_arrived(void);
/* Called when the last reference to f goes: frees f->async. mm.lock may be held. */
void async_forget(struct ofile *f);

#endif
