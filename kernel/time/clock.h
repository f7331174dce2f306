/* SPDX-License-Identifier: MIT */
/*
 * The clocks. Between two readings of the host's clocks (hostcall clock_read), programs in the vDSO
 * and the kernel here compute the time from the TSC and the same page.
 *
 * Invariant: CLOCK_MONOTONIC and CLOCK_BOOTTIME in the sandbox never go back. They may be ahead of
 * the host's by the error of the last slope; the kernel then slows them down.
 */
#ifndef KERNEL_TIME_CLOCK_H
#define KERNEL_TIME_CLOCK_H

#include <linux/time_types.h>
#include "common/types.h"
#include "kernel/vdso/data.h"

struct process;
struct thread;

#define NSEC_PER_SEC 1000000000UL

u64 clock_monotonic_ns(void);
u64 clock_realtime_ns(void);
u64 clock_boottime_ns(void);
/* Reads all clocks at one moment; the host's, too, if their last reading is half a second old. */
void clock_now(struct vdso_time *now);
/* The same, but always reads the host's: the result is not behind the host's clocks at the call. */
void clock_now_exact(struct vdso_time *now);

/* Returns the page of struct vdso_data, for mapping (kernel memory, page-aligned). */
const void *clock_page(void);

/*
 * Finds the process (thread is NULL), or the thread of the running process, whose CPU time a clock
 * counts. Returns false if the clock counts no CPU time, or nothing has that number. task_lock is
 * held.
 */
struct clock_cpu {
	struct process *process;
	struct thread *thread;
};
bool clock_cpu_find(s32 clock, struct clock_cpu *cpu);

/*
 * Returns nanoseconds, at most INT64_MAX; or -1 if the fields are out of range, as for
 * clock_nanosleep(2).
 */
s64 clock_from_timespec(const struct __kernel_timespec *ts);
struct __kernel_timespec clock_to_timespec(u64 ns);

#endif
