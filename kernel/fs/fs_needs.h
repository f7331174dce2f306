/* SPDX-License-Identifier: MIT */
/*
 * Functions that this folder calls and a layer above it defines. Each section names the file.
 */
#ifndef KERNEL_FS_FS_NEEDS_H
#define KERNEL_FS_FS_NEEDS_H

#include <linux/fcntl.h>
#include <linux/uio.h>
#include "common/types.h"

struct files;
struct ofile;

/* -- Record locks of fcntl(2): kernel/ipc/locks.c ------------------------------------------- */

/*
 * fcntl(2) with F_GETLK, F_SETLK, F_SETLKW or one of F_OFD_*, for f, which the running process's
 * descriptor fd names. Fills *lock for F_GETLK and F_OFD_GETLK. Returns 0, -errno or -ERESTARTSYS.
 */
s64 record_lock(struct ofile *f, s32 fd, u32 cmd, struct flock *lock);

/* Called when a descriptor of files that named f is closed: removes all its locks on the file. */
void record_locks_close(struct files *files, struct ofile *f);
/* Called when the last reference to f goes. */
void record_locks_forget(struct ofile *f);

/* -- Identity towards the host: kernel/task/creds.c ------------------------------------------- */

/* The same as capable() of kernel/task/creds.h. */
bool creds_have(unsigned cap);

/*
 * Returns 0 if the running thread may send these numbers in a struct ucred (unix(7)); else -EPERM
 * or -ESRCH.
 */
int creds_may_claim(s32 pid, u32 uid, u32 gid);

/*
 * For access(2). Returns 1 if the running thread opens files as another user or group than its real
 * ones: its hostcalls are then made with the real ones until creds_access_end. Returns 0 if they
 * are the same; creds_access_end is not called then. -ENOMEM.
 */
int creds_access_begin(void);
void creds_access_end(void);

/* -- Processes as files: kernel/task/pidfd.c --------------------------------------------------- */

/* Makes a descriptor, with O_CLOEXEC, for the process pid. Returns it, or -ESRCH, -EMFILE, ... */
s32 pidfd_of_number(s32 pid);

/* -- Messages of mq_notify(3) in netlink sockets: kernel/ipc/mq_notify.c ----------------------- */

/*
 * Called after a receive from f, with the flags of recv(2), has put bytes into the program's
 * buffers iov. If the bytes stand for a cookie, the cookie replaces them. Returns the new result of
 * the receive: bytes or -errno. *message_flags, the flags of recvmsg(2), become those for the
 * cookie; NULL is allowed.
 */
s64 cookie_received(struct ofile *f, const struct iovec *iov, u32 count, s64 bytes, u32 flags,
		    u32 *message_flags);
/* Called when the last reference to f goes: frees the cookies that were not read. */
void cookie_forget(struct ofile *f);

#endif
