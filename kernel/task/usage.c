// SPDX-License-Identifier: MIT
/*
 * CPU time and other counts of threads and processes: getrusage(2), times(2).
 *
 * The host counts for the host threads that vCPUs run on, which outlive our threads: a thread's
 * own is the difference to when it began. Of other threads that run the host tells the CPU time
 * alone; it is counted as user time.
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

/* hostcall cpu_time: this vCPU's thread, and, from there on, the one of that vCPU. */
#define WHO_SELF      1
#define WHO_VCPU      2

static u64 from_timeval(const struct __kernel_old_timeval *tv)
{
	return (u64)tv->tv_sec * USEC_PER_SEC + (u64)tv->tv_usec;
}

static struct __kernel_old_timeval to_timeval(u64 us)
{
	return (struct __kernel_old_timeval){(s64)(us / USEC_PER_SEC), (s64)(us % USEC_PER_SEC)};
}

/* Of the vCPU's host thread, since that began. */
static void read_host(u64 who, struct usage *u)
{
	struct rusage ru;

	memset(u, 0, sizeof(*u));
	if (hc_cpu_time(who, &ru, sizeof(ru)) < 0)
		return;
	*u = (struct usage){
		.user_us = from_timeval(&ru.ru_utime),
		.system_us = from_timeval(&ru.ru_stime),
		.minor_faults = (u64)ru.ru_minflt,
		.major_faults = (u64)ru.ru_majflt,
		.in_blocks = (u64)ru.ru_inblock,
		.out_blocks = (u64)ru.ru_oublock,
		.voluntary = (u64)ru.ru_nvcsw,
		.involuntary = (u64)ru.ru_nivcsw,
	};
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

static void subtract(struct usage *u, const struct usage *before)
{
#define X(count) u->count -= MIN(u->count, before->count);
	COUNTS(X)
#undef X
}

void usage_begin(struct thread *t)
{
	read_host(WHO_SELF, &t->start_usage);
}

void usage_thread(struct usage *u)
{
	read_host(WHO_SELF, u);
	subtract(u, &current()->start_usage);
}

/* Until then its vCPU's time is that of others. */
static bool has_begun(const struct thread *t)
{
	return !READ_ONCE(t->start.fpu);
}

void usage_process(struct process *p, struct usage *u)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	*u = p->usage;
	TAILQ_FOREACH (t, &p->threads, link) {
		struct usage one;

		if (!has_begun(t))
			continue;
		read_host(t == current() ? WHO_SELF : WHO_VCPU + t->vcpu, &one);
		if (t != current()) { /* only the sum of both is known */
			one.user_us -= MIN(one.user_us, t->start_usage.system_us);
			one.system_us = t->start_usage.system_us;
		}
		subtract(&one, &t->start_usage);
		usage_add(u, &one);
	}
	if (p->mm)
		u->max_rss = MAX(u->max_rss, READ_ONCE(p->mm->peak_pages) * (PAGE_SIZE / 1024));
}

/* The host counts threads in nanoseconds, but tells what a thread had at its start in less. */
static u64 thread_cpu_ns(const struct thread *t)
{
	u64 start = (t->start_usage.user_us + t->start_usage.system_us) * NSEC_PER_USEC;
	struct __kernel_timespec ts;
	struct usage u;
	u64 now;

	if (t == current() && hc_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts, sizeof(ts)) == 0) {
		now = (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
	} else {
		read_host(WHO_VCPU + t->vcpu, &u);
		now = (u.user_us + u.system_us) * NSEC_PER_USEC;
	}
	return now - MIN(now, start);
}

u64 usage_cpu_ns(const struct process *p, const struct thread *t)
{
	u64 sum;

	ASSERT_HELD(&task_lock);
	if (t)
		return has_begun(t) ? thread_cpu_ns(t) : 0;
	sum = (p->usage.user_us + p->usage.system_us) * NSEC_PER_USEC;
	TAILQ_FOREACH (t, &p->threads, link)
		sum += has_begun(t) ? thread_cpu_ns(t) : 0;
	return sum;
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
