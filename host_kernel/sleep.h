/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Threads of a VM that sleep until a word of its memory changes: what futex(2) does for one
 * process, for callers in this module, because Linux exports no function that wakes a futex.
 *
 * A word is known by its address in the process that owns the VM. Whoever changes a word and then
 * wakes its sleepers loses nobody: a sleeper is in the list before it looks at the word.
 */
#ifndef HOST_KERNEL_SLEEP_H
#define HOST_KERNEL_SLEEP_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include "common/types.h"

struct sleepers {
	spinlock_t lock;
	struct list_head list; /* the one that has slept longest first */
	u32 count;
};

void sleepers_init(struct sleepers *s);

/*
 * Sleeps while the u32 at the address word of the current process is value, for at most timeout_ns
 * nanoseconds, or without limit if that is negative. Returns 0 if somebody woke the thread, -EAGAIN
 * if the word has another value, -ETIMEDOUT, -EINTR for a signal, -EFAULT, -EINVAL if the word is
 * not aligned, -ENOSPC if too many threads sleep. Holds no lock while it sleeps.
 */
long sleepers_wait(struct sleepers *s, u64 word, u32 value, s64 timeout_ns);

/* Wakes at most most threads that sleep at the word. Returns how many. Does not sleep. */
long sleepers_wake(struct sleepers *s, u64 word, u32 most);

#endif
