/* SPDX-License-Identifier: MIT */
/*
 * seccomp_unotify(2): a filter may leave the decision about a system call to another process, which
 * reads questions from a listener and writes answers. The filter and the open file of the listener
 * share a struct seccomp_notify.
 */
#ifndef KERNEL_TASK_SECCOMP_NOTIFY_H
#define KERNEL_TASK_SECCOMP_NOTIFY_H

#include <linux/seccomp.h>
#include "common/types.h"

struct ofile;
struct seccomp_notify;

/*
 * Returns the open file of a new listener, and sets *out, which is the filter's. Returns NULL if
 * memory is short.
 */
struct ofile *seccomp_listener_new(struct seccomp_notify **out);

enum seccomp_answer {
	SECCOMP_CONTINUE, /* the call is to be made */
	SECCOMP_ANSWERED, /* *result is the call's result; -ENOSYS: there is no listener */
	SECCOMP_INTERRUPTED,
};

/*
 * Asks about a call of the running thread, and sleeps until the answer or a signal. killable: once
 * the supervisor has read the question, only a deadly signal ends the sleep. n may be NULL: there
 * is no listener. No lock is held.
 */
enum seccomp_answer seccomp_notify_ask(struct seccomp_notify *n, const struct seccomp_data *data,
				       bool killable, s64 *result);

/* The filter ends: the listener reports a hang-up. n may be NULL. task_lock may be held. */
void seccomp_notify_end(struct seccomp_notify *n);

#endif
