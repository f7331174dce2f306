/* SPDX-License-Identifier: MIT */
/*
 * The page by which every program computes the clocks from the TSC. kernel/time/clock.c writes it.
 * The vDSO reads it in ring 3, without a system call.
 *
 * A reader reads .seq (odd during a write), computes, and starts again if .seq has changed. The
 * values are valid for max_ticks after tsc_base; later the program makes the system call.
 */
#ifndef KERNEL_VDSO_DATA_H
#define KERNEL_VDSO_DATA_H

#include "common/types.h"

struct vdso_data {
	u32 seq;
	u32 reserved;
	u64 tsc_base;
	u64 max_ticks;	     /* 0: the TSC is not usable as a clock on this host */
	u64 mult;	     /* nanoseconds per tick, 32.32 */
	u64 monotonic_ns;    /* CLOCK_MONOTONIC at tsc_base */
	u64 realtime_offset; /* CLOCK_REALTIME - CLOCK_MONOTONIC, modulo 2^64 */
	u64 boottime_offset; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
};

/*
 * How far the coarse clocks and time(2) are behind. On Linux they are the time of the last tick,
 * and so at most this far behind. They must not be ahead of the host's coarse clock: programs
 * compare them with time stamps of files, which the host takes from that.
 */
#define VDSO_TICK_NS 4000000

/* All clocks at one moment. */
struct vdso_time {
	u64 monotonic, realtime, boottime;
};

static inline u64 vdso_rdtsc(void)
{
	u32 low, high;

	/* LFENCE makes RDTSC execute after the loads before it (Intel SDM vol. 2, RDTSC). */
	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
	return (u64)high << 32 | low;
}

/* Computes the clocks. Returns false if the page is too old or was never written. */
static inline bool vdso_read(const struct vdso_data *d, struct vdso_time *t)
{
	u64 ticks;
	u32 seq;
	bool fresh;

	do {
		while ((seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE)) & 1)
			__builtin_ia32_pause();
		ticks = vdso_rdtsc() - READ_ONCE(d->tsc_base);
		/* The TSC of another CPU may be a few ticks behind. */
		if ((s64)ticks < 0)
			ticks = 0;
		fresh = ticks < READ_ONCE(d->max_ticks);
		t->monotonic = READ_ONCE(d->monotonic_ns) +
			       (u64)(((unsigned __int128)ticks * READ_ONCE(d->mult)) >> 32);
		t->realtime = t->monotonic + READ_ONCE(d->realtime_offset);
		t->boottime = t->monotonic + READ_ONCE(d->boottime_offset);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&d->seq, __ATOMIC_RELAXED) != seq);
	return fresh;
}

#endif
