/* SPDX-License-Identifier: MIT */
/*
 * What this folder calls in the layers above it, which define these functions: each says where.
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
 * F_GETLK, F_SETLK, F_SETLKW and the F_OFD_ ones, on f, which the running process's descriptor fd
 * names. *lock is filled for F_GETLK. 0, -errno, or -ERESTARTSYS.
 */
s64 record_lock(struct ofile *f, s32 fd, u32 cmd, struct flock *lock);

/* One of the descriptors in files that named f is closed: all locks of files on that file go. */
void record_locks_close(struct files *files, struct ofile *f);
/* The last reference to f goes. */
void record_locks_forget(struct ofile *f);

/* -- Identity towards the host: kernel/task/creds.c ------------------------------------------- */

/* capable() of kernel/task/creds.h. */
bool creds_have(unsigned cap);

/* The running thread may say in a message that these are its: unix(7). 0, -EPERM or -ESRCH. */
int creds_may_claim(s32 pid, u32 uid, u32 gid);

/*
 * access(2): between begin and end the running thread's hostcalls are made with its real user and
 * group, if those differ from what it opens files with: 1. 0: they do not, and nothing is to be
 * ended. -ENOMEM.
 */
int creds_access_begin(void);
void creds_access_end(void);

/* -- Messages of mq_notify(3) in netlink sockets: kernel/ipc/mq_notify.c ----------------------- */

/*
 * bytes have been received from f, with these flags of recv(2), and lie in these buffers of the
 * program's: where they stand for a cookie, it takes their place. The new result: bytes or -errno.
 * message_flags: what recvmsg(2) says of them, put right; or NULL.
 */
s64 cookie_received(struct ofile *f, const struct iovec *iov, u32 count, s64 bytes, u32 flags,
		    u32 *message_flags);
/* The last reference to f goes, and what nobody has read with it. */
void cookie_forget(struct ofile *f);

#endif
