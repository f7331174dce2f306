/* SPDX-License-Identifier: MIT */
/*
 * How a guest thread sleeps until another one wakes it: on a word of the kernel's own memory, as on
 * a futex. All waiting of the kernel goes through these functions, with three exceptions, which
 * sleep in the host and keep the vCPU: the kernel's mutexes (lock.h), whose holders never park;
 * waiting for RAM (task/oom.c), where the thread may hold a lock; and system calls that wait for
 * the host in a hostcall.
 *
 * The pattern, in which no wake-up is lost:
 *
 *   the sleeper                                     the waker
 *   lock; seen = word; unlock                       lock; change what is waited for
 *   if (signal_pending()) return -EINTR             word = another value; unpark(&word, n)
 *   park(&word, seen, timeout); signal_upcall()     unlock
 *   and starts over
 *
 * park compares the word again before the thread sleeps. An unpark after a change of the word
 * either finds the sleeper, or the sleeper has seen the change. park may return early, so callers
 * check again what they wait for. The word must not be freed until unpark has returned: if it lies
 * on the sleeper's stack, a lock that both sides take keeps the sleeper from leaving (ipc/wait.h,
 * task/futex.c).
 */
#ifndef KERNEL_PARK_H
#define KERNEL_PARK_H

#include "common/types.h"

#define PARK_FOREVER (~0UL)
#define UNPARK_ALL   ((u32)INT32_MAX)

/*
 * The running thread sleeps while *word is value, for timeout_ns nanoseconds at most (PARK_FOREVER:
 * no limit). It holds no lock. Returns 0 if it was woken, -EAGAIN if *word had another value,
 * -ETIMEDOUT if the time is over, -EINTR if the thread or its vCPU was kicked. A kick before the
 * thread sleeps is not lost: park then returns -EINTR at once. The caller calls signal_upcall()
 * after -EINTR and before it sleeps again; otherwise the next park returns at once.
 */
s64 park(const u32 *word, u32 value, u64 timeout_ns);

/* As park without a limit, and not ended by kicks. For waits that are certain to end soon. */
void park_steady(const u32 *word, u32 value);

/*
 * Wakes at most count threads that sleep on the word. The caller may hold any lock above LOCK_SCHED
 * in lock.h, and is not descheduled.
 */
void unpark(const u32 *word, u32 count);

/*
 * The alarm: once clock_monotonic_ns() has reached `when`, a vCPU calls timerfds_expire
 * (fs/timerfd.h), as soon as it would wake a sleeper of that deadline. There is one alarm: the call
 * replaces the last one. PARK_FOREVER: none. The caller may hold any lock above LOCK_SCHED.
 */
void park_alarm(u64 when);

/*
 * For hostcall.c, around a hostcall in which this vCPU may sleep in the host: the thread keeps the
 * vCPU, and another vCPU can use the CPU meanwhile. host_sleep_prepare may make hostcalls itself,
 * host_sleep_begin only those of a lock, host_sleep_end none. host_sleep_begin returns the value
 * for struct hostcall_frame's .wakes: the word of an idle vCPU that the monitor is to wake, or 0.
 * Locks may be held. task/vcpu.c
 */
void host_sleep_prepare(void);
u64 host_sleep_begin(void);
void host_sleep_end(void);

#endif
