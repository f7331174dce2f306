/* SPDX-License-Identifier: MIT */
/*
 * How a thread waits for other threads in System V IPC, message queues and record locks: it sleeps
 * on a word of its own, a u32 on its kernel stack, which is in a queue. The thread that ends the
 * wait removes the word from the queue and sets it. It does both with the queue's lock held, so
 * every queued word exists.
 */
#ifndef KERNEL_IPC_WAIT_H
#define KERNEL_IPC_WAIT_H

#include "common/types.h"

#define IPC_FOREVER (~0UL)

/*
 * Sleeps until *woken is 1. Returns 0, -EINTR if a signal is pending or the thread has to end or
 * stop, or -ETIMEDOUT if the deadline (clock_monotonic_ns, or IPC_FOREVER) has passed. After an
 * error the caller removes the word from the queue, unless it was set meanwhile. No lock is held.
 */
s64 ipc_sleep(u32 *woken, u64 deadline);
/* Sets the word to 1 and wakes its sleeper. The queue's lock is held. */
void ipc_wake(u32 *woken);

#endif
