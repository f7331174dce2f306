// SPDX-License-Identifier: MIT
/*
 * System calls that read clocks and that sleep. No program can set the host's clocks: these calls
 * fail with EPERM, as without CAP_SYS_TIME.
 */
#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/timex.h>
#include "kernel/define_syscall.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

#define MINUTES_WEST_MAX  (15 * 60)
#define ADJTIME		  0x8000 /* in timex.modes: a request of adjtime(3) */

#define CPU_SLEEP_LOOK_NS 1000000UL /* the shortest time between two looks at a CPU-time clock */

/*
 * The clock numbers of single processes and threads are negative (Linux's linux/posix-timers.h):
 * the inverted id, then 3 bits.
 */
#define CPUCLOCK_THREAD	  4
#define CPUCLOCK_WHICH	  3 /* mask: 0 to 2 are kinds of CPU time, 3 is a descriptor */

bool clock_cpu_find(s32 clock, struct clock_cpu *cpu)
{
	bool thread = clock == CLOCK_THREAD_CPUTIME_ID || (clock < 0 && (clock & CPUCLOCK_THREAD));
	s32 id = clock < 0 ? ~(clock >> 3) : 0;

	if (clock < 0 ? (clock & CPUCLOCK_WHICH) == CPUCLOCK_WHICH
		      : !thread && clock != CLOCK_PROCESS_CPUTIME_ID)
		return false;
	cpu->process = process_find(thread ? 0 : id);
	cpu->thread = thread ? thread_find(id) : NULL;
	/* Only threads of the running process have clocks: clock_getcpuclockid(3). */
	return cpu->process && (!thread || (cpu->thread && cpu->thread->proc == cpu->process));
}

/*
 * Returns the host's number for a clock, for properties that all clocks of a kind share. -EINVAL:
 * there is no such clock.
 */
static s32 host_clock(s32 clock)
{
	struct clock_cpu cpu;
	bool found;

	if (clock >= 0)
		return clock;
	mutex_lock(&task_lock);
	found = clock_cpu_find(clock, &cpu);
	mutex_unlock(&task_lock);
	if (!found)
		return -EINVAL;
	return cpu.thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID;
}

/*
 * Reads a CPU-time clock. The kernel counts CPU time itself: to the host all programs are one
 * process, and each host thread runs many guest threads, one after another. Returns 0 or -EINVAL.
 */
static s64 read_cpu_clock(s32 clock, u64 *ns)
{
	struct clock_cpu cpu;
	s64 ret = -EINVAL;

	mutex_lock(&task_lock);
	if (clock_cpu_find(clock, &cpu)) {
		*ns = usage_cpu_ns(cpu.process, cpu.thread);
		ret = 0;
	}
	mutex_unlock(&task_lock);
	return ret;
}

/* Reads any clock. The common ones seldom cost a hostcall. Returns 0 or -errno. */
static s64 read_clock(s32 clock, u64 *ns)
{
	struct __kernel_timespec ts;
	struct vdso_time now;
	s64 ret;

	clock_now(&now);
	switch (clock) {
	case CLOCK_MONOTONIC:
		*ns = now.monotonic;
		return 0;
	case CLOCK_REALTIME:
		*ns = now.realtime;
		return 0;
	case CLOCK_BOOTTIME:
		*ns = now.boottime;
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		*ns = now.monotonic - VDSO_TICK_NS;
		return 0;
	case CLOCK_REALTIME_COARSE:
		*ns = now.realtime - VDSO_TICK_NS;
		return 0;
	}
	if (clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return read_cpu_clock(clock, ns);
	ret = hc_clock_gettime((u64)clock, &ts, sizeof(ts));
	*ns = (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
	return ret;
}

DEFINE_SYSCALL2(clock_gettime, s32, clock, uva, out)
{
	u64 ns;
	s64 ret = read_clock(clock, &ns);

	return ret < 0 ? ret : put_user(clock_to_timespec(ns), out);
}

DEFINE_SYSCALL2(clock_getres, s32, clock, uva, out)
{
	struct __kernel_timespec ts;
	s64 ret;

	clock = host_clock(clock);
	if (clock < 0)
		return clock;
	ret = hc_clock_getres((u64)clock, &ts, sizeof(ts));
	return ret < 0 || out == 0 ? ret : put_user(ts, out);
}

DEFINE_SYSCALL2(clock_settime, s32, clock, uva, in)
{
	struct __kernel_timespec ts;

	/* The clocks of processes and threads cannot be set, either. */
	if (clock != CLOCK_REALTIME && (clock >= 0 || host_clock(clock) < 0))
		return -EINVAL;
	if (get_user(&ts, in) < 0)
		return -EFAULT;
	if (clock < 0)
		return -EPERM;
	return clock_from_timespec(&ts) < 0 ? -EINVAL : -EPERM;
}

DEFINE_SYSCALL2(gettimeofday, uva, tv_out, uva, tz_out)
{
	static const struct timezone utc; /* Linux's default */
	u64 ns = clock_realtime_ns();
	struct timeval tv = {.tv_sec = (s64)(ns / NSEC_PER_SEC),
			     .tv_usec = (s64)(ns % NSEC_PER_SEC / 1000)};

	if (tv_out && put_user(tv, tv_out) < 0)
		return -EFAULT;
	if (tz_out && put_user(utc, tz_out) < 0)
		return -EFAULT;
	return 0;
}

DEFINE_SYSCALL2(settimeofday, uva, tv_in, uva, tz_in)
{
	struct timeval tv = {0};
	struct timezone tz = {0};

	if (tv_in && get_user(&tv, tv_in) < 0)
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000 || tv.tv_sec < 0)
		return -EINVAL;
	if (tz_in && get_user(&tz, tz_in) < 0)
		return -EFAULT;
	if (tz.tz_minuteswest > MINUTES_WEST_MAX || tz.tz_minuteswest < -MINUTES_WEST_MAX)
		return -EINVAL;
	/* A call without an argument changes nothing, but needs the right all the same. */
	return tv_in || tz_in || !(current()->creds.cap_effective & 1UL << CAP_SYS_TIME) ? -EPERM
											 : 0;
}

DEFINE_SYSCALL1(time, uva, out)
{
	s64 now = (s64)((clock_realtime_ns() - VDSO_TICK_NS) / NSEC_PER_SEC);

	return out && put_user(now, out) < 0 ? -EFAULT : now;
}

/* adjtimex(2), as for a clock without NTP. -EPERM: the call would change the clock. */
static s64 read_timex(uva addr)
{
	struct __kernel_timex tx;
	struct vdso_time now;

	if (get_user(&tx, addr) < 0)
		return -EFAULT;
	/* adjtime(3) may ask what is left of a slow change. */
	if ((tx.modes & ADJTIME) && !(tx.modes & ADJ_OFFSET))
		return -EINVAL;
	if (tx.modes != 0 && tx.modes != ADJ_OFFSET_SS_READ)
		return -EPERM;
	clock_now(&now);
	tx = (struct __kernel_timex){
		.maxerror = 16000000, /* microseconds: Linux's NTP_PHASE_LIMIT */
		.esterror = 16000000,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = 32768000, /* Linux's MAXFREQ_SCALED */
		.tick = 10000,
		.time = {.tv_sec = (s64)(now.realtime / NSEC_PER_SEC),
			 .tv_usec = (s64)(now.realtime % NSEC_PER_SEC / 1000)},
	};
	return put_user(tx, addr) < 0 ? -EFAULT : TIME_ERROR;
}

DEFINE_SYSCALL1(adjtimex, uva, tx)
{
	return read_timex(tx);
}

DEFINE_SYSCALL2(clock_adjtime, s32, clock, uva, tx)
{
	if (clock == CLOCK_REALTIME)
		return read_timex(tx);
	return clock >= 0 && clock <= CLOCK_TAI && clock != CLOCK_SGI_CYCLE ? -EOPNOTSUPP : -EINVAL;
}

/* Returns true if the CPU-time clock with this negative number is the running thread's. */
static bool is_own_clock(s32 clock)
{
	s32 id = ~(clock >> 3);

	return id == 0 || id == current()->tid;
}

/* Returns true if the clock has reached the deadline; for other clocks than these always. */
static bool deadline_reached(s32 clock, u64 deadline)
{
	struct vdso_time now;

	clock_now(&now);
	switch (clock) {
	case CLOCK_REALTIME:
		return now.realtime >= deadline;
	case CLOCK_MONOTONIC:
		return now.monotonic >= deadline;
	case CLOCK_BOOTTIME:
		return now.boottime >= deadline;
	}
	return true;
}

/*
 * Called after the host has woken this thread by the host's clock. If the guest's clock is behind,
 * updates it, so that the program does not see an early wake-up.
 */
static void catch_up(s32 clock, u64 deadline)
{
	struct vdso_time now;

	if (!deadline_reached(clock, deadline))
		clock_now_exact(&now);
}

/* Sleeps until the guest's CLOCK_MONOTONIC, which is now, is deadline. Returns 0 or -errno. */
static s64 sleep_until(u64 deadline, u64 now)
{
	static const u32 never_changes;
	s64 ret = deadline > now ? park(&never_changes, 0, deadline - now) : 0;

	return ret == -ETIMEDOUT ? 0 : ret;
}

/*
 * A relative sleep on clock, until the guest's CLOCK_MONOTONIC is deadline. The arguments are in
 * current()->restart: clock, deadline, and where to write the time that is left after a signal.
 */
static s64 sleep_restart(__attribute__((unused)) void *arg)
{
	struct thread *t = current();
	s32 clock = (s32)t->restart.arg[0];
	u64 deadline = t->restart.arg[1], now = clock_monotonic_ns();
	uva left_out = t->restart.arg[2];
	struct __kernel_timespec left;
	s64 ret = 0;

	if (now < deadline && (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME)) {
		ret = sleep_until(deadline, now);
	} else if (now < deadline) {
		/* The host sleeps by other clocks: some run while the machine is suspended. */
		left = clock_to_timespec(deadline - now);
		ret = hc_clock_nanosleep((u64)clock, 0, &left, sizeof(left), NULL, 0);
	}
	if (ret != -EINTR) {
		catch_up(CLOCK_MONOTONIC, deadline);
		return ret;
	}
	now = clock_monotonic_ns();
	if (now >= deadline)
		return 0;
	if (left_out && put_user(clock_to_timespec(deadline - now), left_out) < 0)
		return -EFAULT;
	t->restart.fn = sleep_restart;
	return -ERESTART_RESTARTBLOCK;
}

static s64 sleep_for(s32 clock, s64 ns, uva left_out)
{
	struct thread *t = current();
	u64 now = clock_monotonic_ns();

	t->restart.arg[0] = (u64)clock;
	t->restart.arg[1] = MIN(now + (u64)ns, (u64)INT64_MAX);
	t->restart.arg[2] = left_out;
	return sleep_restart(t->restart.arg);
}

/*
 * A sleep until a CPU-time clock is deadline: looks at the clock from time to time. The arguments
 * are in current()->restart: clock, deadline, and where to write the time that is left after a
 * signal; 0 for none.
 */
static s64 cpu_sleep_restart(__attribute__((unused)) void *arg)
{
	static const u32 never_changes;
	struct thread *t = current();
	s32 clock = (s32)t->restart.arg[0];
	u64 deadline = t->restart.arg[1], used = 0;
	uva left_out = t->restart.arg[2];
	s64 ret;

	do {
		ret = read_cpu_clock(clock, &used);
		if (ret < 0 || used >= deadline)
			return ret;
		/* Several threads can use the time at once. */
		ret = park(&never_changes, 0, MAX((deadline - used) / 64, CPU_SLEEP_LOOK_NS));
	} while (ret != -EINTR);
	if (left_out && put_user(clock_to_timespec(deadline - used), left_out) < 0)
		return -EFAULT;
	t->restart.fn = cpu_sleep_restart;
	return -ERESTART_RESTARTBLOCK;
}

static s64 cpu_sleep(s32 clock, bool absolute, u64 ns, uva left_out)
{
	struct thread *t = current();
	u64 used = 0;
	s64 ret = read_cpu_clock(clock, &used);

	if (ret < 0)
		return ret;
	t->restart.arg[0] = (u64)(s64)clock;
	t->restart.arg[1] = absolute ? ns : MIN(used + ns, (u64)INT64_MAX);
	t->restart.arg[2] = absolute ? 0 : left_out;
	ret = cpu_sleep_restart(t->restart.arg);
	return ret == -ERESTART_RESTARTBLOCK && absolute ? -ERESTARTNOHAND : ret;
}

DEFINE_SYSCALL2(nanosleep, uva, req_in, uva, left_out)
{
	struct __kernel_timespec req;
	s64 ns;

	if (get_user(&req, req_in) < 0)
		return -EFAULT;
	ns = clock_from_timespec(&req);
	return ns < 0 ? -EINVAL : sleep_for(CLOCK_MONOTONIC, ns, left_out);
}

DEFINE_SYSCALL4(clock_nanosleep, s32, clock, int, flags, uva, req_in, uva, left_out)
{
	struct __kernel_timespec req;
	s32 host = host_clock(clock);
	s64 ns, ret;

	/* A thread cannot wait for time that it uses itself. */
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return -EOPNOTSUPP;
	if (host < 0 || (host == CLOCK_THREAD_CPUTIME_ID && is_own_clock(clock)))
		return -EINVAL;
	if (host == CLOCK_MONOTONIC_RAW || host == CLOCK_MONOTONIC_COARSE ||
	    host == CLOCK_REALTIME_COARSE)
		return -EOPNOTSUPP;
	if (get_user(&req, req_in) < 0)
		return -EFAULT;
	ns = clock_from_timespec(&req);
	if (ns < 0)
		return -EINVAL;
	if (host == CLOCK_PROCESS_CPUTIME_ID || host == CLOCK_THREAD_CPUTIME_ID)
		return cpu_sleep(clock, flags & TIMER_ABSTIME, (u64)ns, left_out);
	if (!(flags & TIMER_ABSTIME)) {
		/* Steps of CLOCK_REALTIME do not change a relative sleep: clock_nanosleep(2). */
		if (host == CLOCK_REALTIME || host == CLOCK_MONOTONIC)
			return sleep_for(CLOCK_MONOTONIC, ns, left_out);
		if (host == CLOCK_BOOTTIME || host == CLOCK_TAI)
			return sleep_for(host, ns, left_out);
	}
	/*
	 * A thread that sleeps until a moment of CLOCK_MONOTONIC parks and has no vCPU. For other
	 * clocks it sleeps in the host, which alone learns that a clock was set, or that the
	 * machine was suspended.
	 */
	if (host == CLOCK_MONOTONIC)
		ret = sleep_until((u64)ns, clock_monotonic_ns());
	else
		ret = hc_clock_nanosleep((u64)host, (u64)flags & TIMER_ABSTIME, &req, sizeof(req),
					 NULL, 0);
	if (ret == -EINTR)
		return -ERESTARTNOHAND;
	catch_up(host, (u64)ns);
	return ret;
}
