/* SPDX-License-Identifier: MIT */
/*
 * Sleeping mutex: a futex word (0 free, 1 held, 2 held and waited for). Contention sleeps in the
 * host (hostcall wait), so a vCPU whose host thread was preempted costs its waiters nothing.
 *
 * Order, outermost first: process tree (task_lock) > files.lock > mm.lock > those of kernel/ipc >
 * mapping_lock (fs/mapping.c) > window_lock > frame_lock > kmalloc_lock. A lock may be held across
 * a hostcall that does not block.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "common/types.h"

struct mutex {
	u32 word;
};
#define MUTEX_INIT                                                                                 \
	{                                                                                          \
		0                                                                                  \
	}

void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

#endif
