/* SPDX-License-Identifier: MIT */
/*
 * How a guest thread sleeps until another one has something for it: on a word of the kernel's own
 * memory, as on a futex. All waiting of the kernel goes through these, with three exceptions, which
 * sleep in the host and keep the vCPU: the kernel's mutexes (lock.h), whose holders never sleep
 * here; want of memory (task/oom.c), which may befall a thread with a lock; and system calls that
 * wait for the host in a hostcall.
 *
 * The pattern, in which no wake-up is lost:
 *
 *   the sleeper                                     who wakes it
 *   lock; seen = word; unlock                       lock; change what is waited for
 *   if (signal_pending()) return -EINTR             word = another value; unpark(&word, n)
 *   park(&word, seen, timeout); signal_upcall()     unlock
 *   and starts over
 *
 * The word is compared once more before the thread sleeps, and an unpark that comes after the word
 * changed finds the sleeper or is not needed. park may return early, so that its callers look again
 * at what they wait for. The word must stay memory until unpark has returned: where it lies on the
 * sleeper's stack, a lock that both take keeps the sleeper from leaving (ipc/wait.h, task/futex.c).
 */
#ifndef KERNEL_PARK_H
#define KERNEL_PARK_H

#include "common/types.h"

#define PARK_FOREVER (~0UL)
#define UNPARK_ALL   ((u32)INT32_MAX)

/*
 * The running thread sleeps while *word is value, for timeout_ns nanoseconds at most (PARK_FOREVER:
 * no limit). It holds no lock. Returns 0 when it was woken, -EAGAIN when *word had another value,
 * -ETIMEDOUT when the time is over, -EINTR when the thread or its vCPU was kicked. A kick that
 * comes before the thread sleeps is not lost: park then returns -EINTR at once. The caller calls
 * signal_upcall() after -EINTR and before it sleeps again, or the next park ends at once.
 */
s64 park(const u32 *word, u32 value, u64 timeout_ns);

/* The same without a limit; kicks do not end it. For a waker that surely comes soon. */
void park_steady(const u32 *word, u32 value);

/*
 * Wakes at most count threads that sleep on the word. The caller may hold any lock that stands
 * above LOCK_SCHED in lock.h, and goes on running.
 */
void unpark(const u32 *word, u32 count);

/*
 * For hostcall.c, around a hostcall in which this vCPU may sleep in the host: the thread keeps the
 * vCPU, and the CPU is another one's meanwhile. host_sleep_prepare may make hostcalls itself, which
 * the others may not. host_sleep_begin returns the word of an idle vCPU that the monitor shall
 * wake, as struct hostcall_frame's .wakes. Locks may be held. task/vcpu.c
 */
void host_sleep_prepare(void);
u64 host_sleep_begin(void);
void host_sleep_end(void);

#endif
