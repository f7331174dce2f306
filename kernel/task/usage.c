// SPDX-License-Identifier: MIT
/*
 * CPU time and other counts of threads and processes: getrusage(2), times(2).
 *
 * The CPU time of a thread is what the host threads of the vCPUs used while the thread had them, by
 * the clock that the monitor corrects from time to time (hostcall_cpu_ns). What they used in
 * hostcalls is system time. Page faults are those of the guest kernel. The host does not report its
 * I/O for each thread, so those counts are 0.
 */
#include "kernel/define_syscall.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/process.h"
#include "kernel/task/usage.h"
#include "kernel/time/clock.h"

#include <linux/resource.h>
#include <linux/time.h>
#include <linux/times.h>

#define USEC_PER_SEC  1000000UL
#define NSEC_PER_USEC 1000UL

static struct __kernel_old_timeval to_timeval(u64 us)
{
	return (struct __kernel_old_timeval){(s64)(us / USEC_PER_SEC), (s64)(us % USEC_PER_SEC)};
}

#define COUNTS(X)                                                                                  \
	X(user_us)                                                                                 \
	X(system_us)                                                                               \
	X(minor_faults)                                                                            \
	X(major_faults)                                                                            \
	X(in_blocks)                                                                               \
	X(out_blocks)                                                                              \
	X(voluntary)                                                                               \
	X(involuntary)

void usage_add(struct usage *sum, const struct usage *u)
{
#define X(count) sum->count += u->count;
	COUNTS(X)
#undef X
	sum->max_rss = MAX(sum->max_rss, u->max_rss);
}

void usage_start(struct thread *t, const struct vcpu_data *d)
{
	t->sched.clock = hostcall_cpu_ns(d);
	t->sched.system = d->system_ns;
}

/* Returns the time since usage_start, when t got the vCPU. */
static u64 running_ns(const struct thread *t, const struct vcpu_data *d)
{
	u64 now = hostcall_cpu_ns(d);

	return now - MIN(now, t->sched.clock);
}

void usage_stop(struct thread *t, const struct vcpu_data *d)
{
	WRITE_ONCE(t->cpu_ns, t->cpu_ns + running_ns(t, d));
	WRITE_ONCE(t->system_ns, t->system_ns + d->system_ns - t->sched.system);
}

/*
 * If the thread runs on another vCPU and stops meanwhile, its time may be counted twice or not at
 * all.
 */
static void read_thread(const struct thread *t, u64 *cpu_ns, u64 *system_ns)
{
	*cpu_ns = READ_ONCE(t->cpu_ns);
	*system_ns = READ_ONCE(t->system_ns);
	if (READ_ONCE(t->sched.state) == THREAD_RUNNING) {
		const struct vcpu_data *d = arch_vcpu_data_of(t->vcpu);

		*cpu_ns += running_ns(t, d);
		*system_ns += READ_ONCE(d->system_ns) - t->sched.system;
	}
	*system_ns = MIN(*system_ns, *cpu_ns);
}

static struct usage usage_of(const struct thread *t)
{
	u64 cpu, system;

	read_thread(t, &cpu, &system);
	return (struct usage){
		.user_us = (cpu - system) / NSEC_PER_USEC,
		.system_us = system / NSEC_PER_USEC,
		.minor_faults = t->minor_faults,
		.voluntary = t->voluntary,
		.involuntary = t->involuntary,
	};
}

void usage_thread(struct usage *u)
{
	*u = usage_of(current());
}

void usage_process(struct process *p, struct usage *u)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	*u = p->usage;
	TAILQ_FOREACH (t, &p->threads, link) {
		struct usage one = usage_of(t);

		usage_add(u, &one);
	}
	if (p->mm)
		u->max_rss = MAX(u->max_rss, READ_ONCE(p->mm->peak_pages) * (PAGE_SIZE / 1024));
}

static u64 thread_cpu_ns(const struct thread *t)
{
	u64 cpu, system;

	read_thread(t, &cpu, &system);
	return cpu;
}

u64 usage_cpu_ns(struct process *p, struct thread *t)
{
	u64 *told = t ? &t->cpu_told : &p->cpu_told, sum;

	ASSERT_HELD(&task_lock);
	if (t) {
		sum = thread_cpu_ns(t);
	} else {
		sum = (p->usage.user_us + p->usage.system_us) * NSEC_PER_USEC;
		TAILQ_FOREACH (t, &p->threads, link)
			sum += thread_cpu_ns(t);
	}
	/* The estimate may have been too high, but a clock does not go back. */
	*told = MAX(*told, sum);
	return *told;
}

struct rusage usage_to_rusage(const struct usage *u)
{
	struct rusage ru;

	memset(&ru, 0, sizeof(ru));
	ru.ru_utime = to_timeval(u->user_us);
	ru.ru_stime = to_timeval(u->system_us);
	ru.ru_maxrss = (s64)u->max_rss;
	ru.ru_minflt = (s64)u->minor_faults;
	ru.ru_majflt = (s64)u->major_faults;
	ru.ru_inblock = (s64)u->in_blocks;
	ru.ru_oublock = (s64)u->out_blocks;
	ru.ru_nvcsw = (s64)u->voluntary;
	ru.ru_nivcsw = (s64)u->involuntary;
	return ru;
}

DEFINE_SYSCALL2(getrusage, int, who, uva, out)
{
	struct process *p = current_process();
	struct usage u;

	switch (who) {
	case RUSAGE_SELF:
		mutex_lock(&task_lock);
		usage_process(p, &u);
		mutex_unlock(&task_lock);
		break;
	case RUSAGE_THREAD:
		usage_thread(&u);
		u.max_rss = p->mm->peak_pages * (PAGE_SIZE / 1024);
		break;
	case RUSAGE_CHILDREN:
		mutex_lock(&task_lock);
		u = p->children_usage;
		mutex_unlock(&task_lock);
		break;
	default:
		return -EINVAL;
	}
	return put_user(usage_to_rusage(&u), out);
}

DEFINE_SYSCALL1(times, uva, out)
{
	struct process *p = current_process();
	struct usage u, children;
	struct tms tms;

	if (out) {
		mutex_lock(&task_lock);
		usage_process(p, &u);
		children = p->children_usage;
		mutex_unlock(&task_lock);
		tms = (struct tms){
			.tms_utime = usage_ticks(u.user_us),
			.tms_stime = usage_ticks(u.system_us),
			.tms_cutime = usage_ticks(children.user_us),
			.tms_cstime = usage_ticks(children.system_us),
		};
		if (put_user(tms, out) < 0)
			return -EFAULT;
	}
	return (s64)(clock_boottime_ns() / (NSEC_PER_SEC / USAGE_TICKS));
}
