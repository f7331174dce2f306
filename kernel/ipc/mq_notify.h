/* SPDX-License-Identifier: MIT */
/*
 * The messages of mq_notify(3) with SIGEV_THREAD, which go through the C library's netlink socket.
 */
#ifndef KERNEL_IPC_MQ_NOTIFY_H
#define KERNEL_IPC_MQ_NOTIFY_H

#include <linux/uio.h>
#include "common/types.h"
#include "kernel/define_syscall.h"
#include "kernel/mm/uaccess.h"

struct cookie; /* the message of one registration, until it is read */
struct ofile;

enum cookie_reason {
	COOKIE_MESSAGE = 1, /* Linux's NOTIFY_WOKENUP: a message arrived */
	COOKIE_REMOVED,	    /* NOTIFY_REMOVED: the registration or the queue was removed */
};

/*
 * Makes a cookie from the program's bytes for its socket fd, and keeps a reference to the socket's
 * open file. Returns 0, or the errors of mq_notify: -EFAULT; -EBADF; -ENOTSOCK; -EINVAL for a
 * socket of another protocol than NETLINK_ROUTE, which C libraries use; -ENOMEM, also if the socket
 * already has the largest number of unread cookies.
 */
int cookie_new(struct cookie **cookie, s32 fd, uva bytes);
/*
 * Sends the cookie to the reader of its socket, and takes it over. Makes hostcalls that do not
 * block. No lock is held.
 */
void cookie_send(struct cookie *cookie, enum cookie_reason why);
/* Frees a cookie that was not sent, and its reference to the socket. NULL is allowed. */
void cookie_put(struct cookie *cookie);

#endif
