// SPDX-License-Identifier: MIT
/*
 * The vDSO: code that the kernel maps into every program (vdso(7)). It computes the clocks from the
 * page before it, and makes the real system call if it cannot. It has no data of its own, calls no
 * other code, and needs no relocations.
 */
#include <asm/unistd.h>
#include <linux/time.h>
#include "kernel/vdso/data.h"

#define EXPORT	     __attribute__((visibility("default")))
#define NSEC_PER_SEC 1000000000UL

/* The page before the ELF header. vdso.lds defines its address. */
extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

static long syscall2(long nr, long a, long b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

/* Reads a clock in nanoseconds. Returns false if the caller has to make the system call. */
static bool read_clock(s32 clock, u64 *ns)
{
	struct vdso_time t;

	if (!vdso_read(&vdso_data, &t))
		return false;
	switch (clock) {
	case CLOCK_MONOTONIC:
		*ns = t.monotonic;
		return true;
	case CLOCK_REALTIME:
		*ns = t.realtime;
		return true;
	case CLOCK_BOOTTIME:
		*ns = t.boottime;
		return true;
	case CLOCK_MONOTONIC_COARSE:
		*ns = t.monotonic - VDSO_TICK_NS;
		return true;
	case CLOCK_REALTIME_COARSE:
		*ns = t.realtime - VDSO_TICK_NS;
		return true;
	}
	return false;
}

EXPORT int __vdso_clock_gettime(s32 clock, struct timespec *ts);
EXPORT int __vdso_clock_getres(s32 clock, struct timespec *res);
EXPORT int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
EXPORT __kernel_time_t __vdso_time(__kernel_time_t *out);
EXPORT long __vdso_getcpu(u32 *cpu, u32 *node, void *unused);

int __vdso_clock_gettime(s32 clock, struct timespec *ts)
{
	u64 ns;

	if (!read_clock(clock, &ns))
		return (int)syscall2(__NR_clock_gettime, clock, (long)ts);
	ts->tv_sec = (long)(ns / NSEC_PER_SEC);
	ts->tv_nsec = (long)(ns % NSEC_PER_SEC);
	return 0;
}

int __vdso_clock_getres(s32 clock, struct timespec *res)
{
	if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)
		return (int)syscall2(__NR_clock_getres, clock, (long)res);
	if (res) {
		res->tv_sec = 0;
		res->tv_nsec = 1;
	}
	return 0;
}

int __vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
	u64 ns;

	if (tz || !read_clock(CLOCK_REALTIME, &ns))
		return (int)syscall2(__NR_gettimeofday, (long)tv, (long)tz);
	if (tv) {
		tv->tv_sec = (long)(ns / NSEC_PER_SEC);
		tv->tv_usec = (long)(ns % NSEC_PER_SEC / 1000);
	}
	return 0;
}

__kernel_time_t __vdso_time(__kernel_time_t *out)
{
	u64 ns;

	if (!read_clock(CLOCK_REALTIME_COARSE, &ns))
		return syscall2(__NR_time, (long)out, 0);
	if (out)
		*out = (__kernel_time_t)(ns / NSEC_PER_SEC);
	return (__kernel_time_t)(ns / NSEC_PER_SEC);
}

/* A system call, because the CPU number from RDTSCP or RDPID depends on the kind of KVM. */
long __vdso_getcpu(u32 *cpu, u32 *node, __attribute__((unused)) void *unused)
{
	return syscall2(__NR_getcpu, (long)cpu, (long)node);
}

#define ALIAS(type, name, ...)                                                                     \
	EXPORT type name(__VA_ARGS__) __attribute__((weak, alias("__vdso_" #name)))
ALIAS(int, clock_gettime, s32 clock, struct timespec *ts);
ALIAS(int, clock_getres, s32 clock, struct timespec *res);
ALIAS(int, gettimeofday, struct timeval *tv, struct timezone *tz);
ALIAS(__kernel_time_t, time, __kernel_time_t *out);
ALIAS(long, getcpu, u32 *cpu, u32 *node, void *unused);
