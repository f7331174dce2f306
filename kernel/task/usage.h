/* SPDX-License-Identifier: MIT */
/* CPU time and other counts of threads and processes: usage.c. */
#ifndef KERNEL_TASK_USAGE_H
#define KERNEL_TASK_USAGE_H

#include "common/types.h"

struct process;
struct rusage;
struct thread;
struct vcpu_data;

/* CPU time and counts, as getrusage(2) has them. */
struct usage {
	u64 user_us, system_us;
	u64 minor_faults, major_faults;
	u64 in_blocks, out_blocks;
	u64 voluntary, involuntary;
	u64 max_rss; /* KiB */
};

/* t gets the vCPU with these data; t gives it back. sched_lock is held. */
void usage_start(struct thread *t, const struct vcpu_data *d);
void usage_stop(struct thread *t, const struct vcpu_data *d);

/*
 * usage_thread: the counts of the running thread. usage_process: those of a whole process without
 * its children; task_lock is held. usage_add: adds u to sum.
 */
void usage_thread(struct usage *u);
void usage_process(struct process *p, struct usage *u);
void usage_add(struct usage *sum, const struct usage *u);
struct rusage usage_to_rusage(const struct usage *u);
/*
 * Returns the CPU time of the process in ns, or that of its thread t if t is not NULL: never less
 * than before. task_lock is held.
 */
u64 usage_cpu_ns(struct process *p, struct thread *t);

#define USAGE_TICKS 100 /* USER_HZ: the unit of times(2) and siginfo */
static inline s64 usage_ticks(u64 us)
{
	return (s64)(us / (1000000 / USAGE_TICKS));
}

#endif
