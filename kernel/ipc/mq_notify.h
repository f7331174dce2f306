/* SPDX-License-Identifier: MIT */
/* The messages of mq_notify(3) with SIGEV_THREAD, in the C library's netlink socket. */
#ifndef KERNEL_IPC_COOKIE_H
#define KERNEL_IPC_COOKIE_H

#include <linux/uio.h>
#include "common/types.h"
#include "kernel/define_syscall.h"
#include "kernel/mm/uaccess.h"

struct cookie; /* a message, from mq_notify until it is read */
struct ofile;

enum cookie_reason {
	COOKIE_MESSAGE = 1, /* Linux's NOTIFY_WOKENUP: a message came */
	COOKIE_REMOVED,	    /* NOTIFY_REMOVED: the queue or the registration is gone */
};

/*
 * A message of these bytes of the program's for its socket fd, whose open file it keeps. 0, or as
 * mq_notify fails: -EFAULT, -EBADF, -ENOTSOCK, -EINVAL (no socket of NETLINK_ROUTE, which is what
 * C libraries make), -ENOMEM (also: the socket has as many unread as it takes).
 */
int cookie_new(struct cookie **cookie, s32 fd, uva bytes);
/* It is for the socket's reader now. Makes hostcalls that do not block. */
void cookie_send(struct cookie *cookie, enum cookie_reason why);
/* It will not be sent. NULL is allowed. */
void cookie_put(struct cookie *cookie);

#endif
