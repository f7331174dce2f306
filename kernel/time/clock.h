/* SPDX-License-Identifier: MIT */
/*
 * The clocks. Between two readings of the host's clocks (hostcall clock_read) time is computed
 * from the TSC, by programs in the vDSO and by the kernel here, from the same page.
 *
 * Invariant: CLOCK_MONOTONIC and CLOCK_BOOTTIME as anyone in the sandbox reads them never go
 * back. They may be ahead of the host's by the error of the last slope; they are slowed down then.
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
/* All clocks at one moment. Asks the host if the last reading is older than half a second. */
void clock_now(struct vdso_time *now);
/* The same, always asking the host: the result is not behind the host's clocks at the call. */
void clock_now_exact(struct vdso_time *now);

/* The page of struct vdso_data, for mapping (kernel memory, page-aligned). */
const void *clock_page(void);

/*
 * Finds whose CPU time a clock counts: that of a process (thread is NULL), or that of one of the
 * running process's threads. Returns false if it is no such clock, or nothing has that number.
 * task_lock is held.
 */
struct clock_cpu {
	struct process *process;
	struct thread *thread;
};
bool clock_cpu_find(s32 clock, struct clock_cpu *cpu);

/* Nanoseconds, or -1 where the fields are out of range as clock_nanosleep(2) has it. */
s64 clock_from_timespec(const struct __kernel_timespec *ts);
struct __kernel_timespec clock_to_timespec(u64 ns);

#endif
