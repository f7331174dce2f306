// SPDX-License-Identifier: MIT
/*
 * See limits.h. Time is kept by a thread of its own: it ends the sandbox by sandbox_end, and the
 * whole process if the main thread does not end it soon, as when a host call of that thread hangs.
 *
 * A share of the CPUs is kept by another thread. What the sandbox may use grows with the time; when
 * it has used more, all vCPUs are kicked out of the guest and wait outside until the time has
 * caught up. So the share is right on the average, and a program that slept may use what was left
 * of a tenth of a second at once, as with the CPU controller of control groups.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/jail/limits.h"

#define SECOND_NS   1000000000UL
#define GRACE_NS    (2 * SECOND_NS) /* for the main thread, after sandbox_end */
#define STEP_MIN_NS 1000000UL	    /* between two looks at the CPU time */
#define STACK	    (64UL << 10)

#define SHARE_NS    (SECOND_NS / 10) /* CPU time that is saved up, at most: this long's */

static const struct limits *limits; /* NULL: none */
static _Atomic u32 held;	    /* 1: vCPUs wait */
static _Atomic u64 written;	    /* bytes that count against limits->disk */
static _Atomic u64 disk_refused, fsize_refused;

static u64 now_ns(clockid_t clock)
{
	struct timespec ts = {0, 0};

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * SECOND_NS + (u64)ts.tv_nsec;
}

static void sleep_ns(u64 ns)
{
	struct timespec ts = {(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		;
}

static void end(struct sandbox *s, int status, const char *option)
{
	if (atomic_load(&s->end_status) == -1)
		message("%s: the limit is reached: the sandbox ends", option);
	sandbox_end(s, SANDBOX_END_ERROR | status);
	sleep_ns(GRACE_NS);
	_exit(status);
}

/* Returns how much of a limit is left, 0 if it is used up; without a limit, the most there is. */
static u64 left_of(u64 limit, u64 used)
{
	return limit == 0 ? UINT64_MAX : used >= limit ? 0 : limit - used;
}

static void *keep_time(void *arg)
{
	struct sandbox *s = arg;
	const u64 start = now_ns(CLOCK_MONOTONIC);
	const u64 cpus = (u64)MAX(CPU_COUNT(&s->cpus), 1);

	for (;;) {
		u64 wall = left_of(limits->time_ns, now_ns(CLOCK_MONOTONIC) - start);
		u64 cpu = left_of(limits->cpu_ns, now_ns(CLOCK_PROCESS_CPUTIME_ID));

		if (wall == 0)
			end(s, EXIT_TIME, "--time");
		if (cpu == 0)
			end(s, EXIT_CPU_TIME, "--cpu-time");
		/* As many CPUs can use up the rest at once. */
		sleep_ns(MIN(wall, MAX(cpu / cpus, STEP_MIN_NS)));
	}
	return NULL;
}

/* Has all vCPUs leave the guest and wait, or lets them go on. */
static void hold(struct sandbox *s, bool wait)
{
	atomic_store(&held, wait);
	if (!wait) {
		HOST_CALL(futex, (u64)&held, FUTEX_WAKE_PRIVATE, INT32_MAX);
		return;
	}
	/* Numbers of vCPUs are consecutive. Who is not in the guest looks before it enters. */
	for (u32 id = 0; id < VCPU_MAX; id++) {
		struct vcpu *v = READ_ONCE(s->vcpu[id]);

		if (!v)
			break;
		if (READ_ONCE(v->in_kvm))
			vcpu_kick(v);
	}
}

bool limits_wait(struct vcpu *v)
{
	const struct timespec most = {0, (long)SHARE_NS};

	if (!atomic_load(&held))
		return false;
	WRITE_ONCE(v->in_kvm, false);
	HOST_CALL(futex, (u64)&held, FUTEX_WAIT_PRIVATE, 1, (u64)&most);
	return true;
}

static void *keep_share(void *arg)
{
	struct sandbox *s = arg;
	const u64 share = limits->cpu_share, cpus = (u64)MAX(CPU_COUNT(&s->cpus), 1) * 1000;
	u64 last = now_ns(CLOCK_MONOTONIC), used = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	s64 left = 0; /* CPU time that may be used, in ns */

	for (;;) {
		u64 now = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);

		left += (s64)((now - last) * share / 1000) - (s64)(cpu - used);
		left = MIN(left, (s64)(SHARE_NS * share / 1000));
		last = now;
		used = cpu;
		if (left <= 0) {
			/* Each time, for a vCPU that entered the guest at the moment of the first.
			 */
			hold(s, true);
			/* A millisecond more, so that they do not stop again at once. */
			sleep_ns(MIN((u64)-left * 1000 / share + STEP_MIN_NS, SHARE_NS));
			continue;
		}
		if (atomic_load(&held))
			hold(s, false);
		/* All CPUs together use it up no sooner. */
		sleep_ns(MAX((u64)left * 1000 / MAX(cpus - share, 1UL), STEP_MIN_NS));
	}
	return NULL;
}

int limits_start(struct sandbox *s, const struct limits *l)
{
	int ret = 0;

	limits = l;
	if (l->time_ns || l->cpu_ns)
		ret = host_thread_start(keep_time, s, STACK, 0, &s->cpus);
	if (ret == 0 && l->cpu_share)
		ret = host_thread_start(keep_share, s, STACK, 0, &s->cpus);
	return ret;
}

/* Memory files count as memory. Returns true for a file whose bytes go to a disk. */
static bool is_on_disk(int fd)
{
	struct statfs fs;

	return HOST_CALL(fstatfs, (u64)fd, (u64)&fs) >= 0 && fs.f_type != TMPFS_MAGIC &&
	       fs.f_type != RAMFS_MAGIC;
}

static s64 count_bytes(int fd, u64 bytes)
{
	u64 before = atomic_load(&written);

	if (!limits->disk || bytes == 0 || !is_on_disk(fd))
		return 0;
	do {
		if (before > limits->disk || bytes > limits->disk - before) {
			atomic_fetch_add(&disk_refused, 1);
			return -EDQUOT;
		}
	} while (!atomic_compare_exchange_weak(&written, &before, before + bytes));
	return 0;
}

static s64 check_size(u64 size)
{
	if (!limits->fsize || size <= limits->fsize)
		return 0;
	atomic_fetch_add(&fsize_refused, 1);
	return -EFBIG;
}

bool limits_on_writes(void)
{
	return limits && (limits->disk || limits->fsize);
}

s64 limits_write(int fd, u64 offset, u64 len, bool append)
{
	struct stat st;
	s64 at, ret;
	u64 last;

	if (!limits_on_writes() || len == 0)
		return 0;
	if (HOST_CALL(fstat, (u64)fd, (u64)&st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (append || (HOST_CALL(fcntl, (u64)fd, F_GETFL) & O_APPEND)) {
		offset = (u64)MAX(st.st_size, 0);
	} else if (offset == ~0UL) {
		at = HOST_CALL(lseek, (u64)fd, 0, SEEK_CUR);
		offset = (u64)MAX(at, 0L);
	}
	ret = check_size(__builtin_add_overflow(offset, len, &last) ? UINT64_MAX : last);
	return ret < 0 ? ret : count_bytes(fd, len);
}

s64 limits_resize(int fd, u64 size)
{
	struct stat st;
	s64 ret;

	if (!limits_on_writes())
		return 0;
	if (HOST_CALL(fstat, (u64)fd, (u64)&st) < 0 || !S_ISREG(st.st_mode) ||
	    size <= (u64)MAX(st.st_size, 0))
		return 0;
	ret = check_size(size);
	return ret < 0 ? ret : count_bytes(fd, size - (u64)MAX(st.st_size, 0));
}

void limits_refused(u64 *disk, u64 *fsize)
{
	*disk = atomic_load(&disk_refused);
	*fsize = atomic_load(&fsize_refused);
}

void limits_report(void)
{
	u64 disk, fsize;

	limits_refused(&disk, &fsize);
	if (limits && handle_refused() > 0)
		message("--fds: the limit is reached: %lu files were not opened", handle_refused());
	if (disk > 0)
		message("--disk: the limit is reached: %lu writes were refused", disk);
	if (fsize > 0)
		message("--fsize: the limit is reached: %lu writes were refused", fsize);
}
