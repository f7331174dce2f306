/* SPDX-License-Identifier: MIT */
/*
 * How a thread waits for other processes: on a word of its own (a u32 on its kernel stack), which
 * stands in some queue. The thread that ends the wait takes the word out of the queue and sets it,
 * both with the queue's lock held, so that a queued word always exists.
 */
#ifndef KERNEL_IPC_WAIT_H
#define KERNEL_IPC_WAIT_H

#include "common/types.h"

#define IPC_FOREVER (~0UL)

/*
 * Until *woken is 1: 0. -EINTR: a signal is there, or the thread is to end; -ETIMEDOUT: the
 * deadline (clock_monotonic_ns, or IPC_FOREVER) has passed. Not with a lock held.
 */
s64 ipc_sleep(u32 *woken, u64 deadline);
/* The queue's lock is held. */
void ipc_wake(u32 *woken);

#endif
