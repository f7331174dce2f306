/* SPDX-License-Identifier: MIT */
/*
 * What the processes of each user have together, for the limits that Linux counts for each real
 * user ID: RLIMIT_SIGPENDING and RLIMIT_MSGQUEUE.
 */
#ifndef KERNEL_TASK_USER_COUNTS_H
#define KERNEL_TASK_USER_COUNTS_H

#include "common/types.h"

enum user_count {
	USER_SIGNALS,  /* queued signals, and timers of timer_create(2) */
	USER_MQ_BYTES, /* of POSIX message queues */
	USER_COUNTS
};

/*
 * Adds n to the user's count. Returns false, and adds nothing, if the count would be larger than
 * limit or there is no memory. Any lock above LOCK_KMALLOC may be held.
 */
bool user_charge(u32 uid, enum user_count what, u64 n, u64 limit);
/* Takes n back, which user_charge added. */
void user_uncharge(u32 uid, enum user_count what, u64 n);
u64 user_count(u32 uid, enum user_count what);

#endif
