/* SPDX-License-Identifier: MIT */
/* Sets of signals, and the signals that are pending for a thread or a process. */
#ifndef KERNEL_TASK_SIGSET_H
#define KERNEL_TASK_SIGSET_H

#include <bsd/sys/queue.h>
#include <asm/siginfo.h>
#include <linux/signal.h>
#include "common/types.h"

#undef NSIG /* that of asm/signal.h excludes the real-time signals */
#define NSIG 64

typedef u64 sigset; /* bit n: signal n + 1 */
#define SIGBIT(s) (1UL << ((s)-1))

struct sigqueue {
	TAILQ_ENTRY(sigqueue) link;
	siginfo_t info;
	bool charged; /* to uid: task/user_counts.h. A timer's signal is not: its timer is */
	u32 uid;
};
struct sigpending {
	sigset set;
	TAILQ_HEAD(, sigqueue) queue;
};

#endif
