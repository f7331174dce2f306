/* SPDX-License-Identifier: MIT */
/* CPU time and other counts of threads and processes: usage.c. */
#ifndef KERNEL_TASK_USAGE_H
#define KERNEL_TASK_USAGE_H

#include "common/types.h"

struct process;
struct rusage;
struct thread;
struct vcpu_data;

/* CPU time and counts of threads that ended, as getrusage(2) has them. */
struct usage {
	u64 user_us, system_us;
	u64 minor_faults, major_faults;
	u64 in_blocks, out_blocks;
	u64 voluntary, involuntary;
	u64 max_rss; /* KiB */
};

/* t gets the vCPU with these data, and stops to have it. sched_lock held. */
void usage_start(struct thread *t, const struct vcpu_data *d);
void usage_stop(struct thread *t, const struct vcpu_data *d);

/*
 * The running thread's counts; those of a whole process, its waited-for children left out
 * (task_lock held); sums and other forms.
 */
void usage_thread(struct usage *u);
void usage_process(struct process *p, struct usage *u);
void usage_add(struct usage *sum, const struct usage *u);
struct rusage usage_to_rusage(const struct usage *u);
/* CPU time of the process, or of its thread t. task_lock held. */
u64 usage_cpu_ns(const struct process *p, const struct thread *t);

#define USAGE_TICKS 100 /* USER_HZ: what times(2) and siginfo count in */
static inline s64 usage_ticks(u64 us)
{
	return (s64)(us / (1000000 / USAGE_TICKS));
}

#endif
