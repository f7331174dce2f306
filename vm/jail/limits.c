// SPDX-License-Identifier: MIT
/*
 * See limits.h. Time is kept by a thread of its own: it ends the sandbox by sandbox_end, and the
 * whole process if the main thread does not end it soon, as when a host call of that thread hangs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>
#include "vm/hostcall.h"
#include "vm/jail/limits.h"

#define SECOND_NS   1000000000UL
#define GRACE_NS    (2 * SECOND_NS) /* for the main thread, after sandbox_end */
#define STEP_MIN_NS 1000000UL	    /* between two looks at the CPU time */
#define STACK	    (64UL << 10)

static const struct limits *limits; /* NULL: none */
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

int limits_start(struct sandbox *s, const struct limits *l)
{
	limits = l;
	return l->time_ns || l->cpu_ns ? host_thread_start(keep_time, s, STACK, 0, &s->cpus) : 0;
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
	if (disk > 0)
		message("--disk: the limit is reached: %lu writes were refused", disk);
	if (fsize > 0)
		message("--fsize: the limit is reached: %lu writes were refused", fsize);
}
