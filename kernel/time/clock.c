// SPDX-License-Identifier: MIT
/* See clock.h. Readers of the page need no lock; its writer holds clock_lock. */
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/time/clock.h"

/* How long vDSO and kernel use a reading of the host's clocks: TRUST_NS and REFRESH_NS. */
#define TRUST_NS	1000000000UL
#define REFRESH_NS	500000000UL
/* Two readings must be further apart than this to measure the slope. */
#define SLOPE_MIN_NS	20000000UL
/* Largest deviation from the nominal slope that is accepted: NTP slews by 0.05 %. */
#define SLOPE_DEVIATION 1000 /* 1/1000 */
/* Smaller changes of the offsets between clocks are noise: the host reads one after the other. */
#define OFFSET_NOISE_NS 10000

static union {
	struct vdso_data data;
	u8 page[PAGE_SIZE];
} vvar __attribute__((aligned(PAGE_SIZE)));

static struct mutex clock_lock = MUTEX_INIT(LOCK_CLOCK);

/* The last reading of the host's clocks, with .tsc converted to the guest's TSC. clock_lock. */
static struct hostcall_clock last;
/* The guest's TSC minus the host's, known to within tsc_window ticks. clock_lock. */
static u64 tsc_offset, tsc_window = UINT64_MAX;

const void *clock_page(void)
{
	return &vvar;
}

static u64 scale(u64 ticks, u64 mult)
{
	return (u64)(((unsigned __int128)ticks * mult) >> 32);
}

/* Reads the host's clocks, and converts .tsc to the guest's TSC. */
static void read_host(struct hostcall_clock *c)
{
	u64 before = arch_rdtsc(), after;
	s64 ret = hc_clock_read(c, sizeof(*c));

	after = arch_rdtsc();
	KASSERT(ret >= 0);
	/*
	 * The host read its TSC between before and after. If the two TSCs differ, the reading with
	 * the smallest window gives the best offset. A constant error of some microseconds does no
	 * harm, but one that changes would.
	 */
	if (c->tsc + tsc_offset - before > after - before) {
		tsc_window = after - before;
		tsc_offset = before + tsc_window / 2 - c->tsc;
	} else if (tsc_offset && after - before < tsc_window) {
		tsc_window = after - before;
		tsc_offset = before + tsc_window / 2 - c->tsc;
	}
	c->tsc += tsc_offset;
}

/*
 * Returns nanoseconds per tick (32.32): from this reading and the last one, or from the frequency
 * if these give no good value.
 */
static u64 measure_slope(const struct hostcall_clock *c)
{
	u64 nominal = ((u64)1000000 << 32) / c->tsc_khz;
	u64 slack = nominal / SLOPE_DEVIATION;
	u64 ticks = c->tsc - last.tsc, ns = c->monotonic_ns - last.monotonic_ns;
	u64 measured;

	if (last.tsc == 0 || (s64)ticks <= 0 || (s64)ns < 0)
		return nominal;
	if (ns < SLOPE_MIN_NS)
		return vvar.data.mult;
	for (; ns >> 32; ns >>= 1) /* make space for the fraction */
		ticks >>= 1;
	measured = ticks ? (ns << 32) / ticks : 0;
	return measured - (nominal - slack) <= 2 * slack ? measured : nominal;
}

/* Reads the host's clocks and publishes them. clock_lock is held. */
static void refresh(void)
{
	struct vdso_data *d = &vvar.data;
	struct hostcall_clock c;
	u64 slope, host, ours, tsc, realtime, boottime, ahead;

	ASSERT_HELD(&clock_lock);
	read_host(&c);
	slope = c.tsc_khz ? measure_slope(&c) : 0;
	realtime = c.realtime_ns - c.monotonic_ns;
	if (last.tsc && realtime - d->realtime_offset + OFFSET_NOISE_NS < 2 * OFFSET_NOISE_NS)
		realtime = d->realtime_offset;
	boottime = c.boottime_ns - c.monotonic_ns;
	if (last.tsc && boottime < d->boottime_offset + OFFSET_NOISE_NS)
		boottime = d->boottime_offset;

	/*
	 * From here on, readers wait. A reader that finished before has read the TSC before this
	 * thread does, so its result is not above ours. Later results are not below ours.
	 */
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	tsc = vdso_rdtsc();
	host = c.monotonic_ns + ((s64)(tsc - c.tsc) > 0 ? scale(tsc - c.tsc, slope) : 0);
	ours = d->monotonic_ns;
	if ((s64)(tsc - d->tsc_base) > 0)
		ours += scale(tsc - d->tsc_base, d->mult);
	d->mult = slope;
	if (ours > host) {
		/* Slow down, by a tenth at most, so that the host catches up within a second. */
		ahead = MIN(ours - host, NSEC_PER_SEC / 10);
		d->mult -= slope * ahead / NSEC_PER_SEC;
	}
	d->monotonic_ns = MAX(ours, host);
	d->tsc_base = tsc;
	d->max_ticks = (u64)c.tsc_khz * (TRUST_NS / 1000000);
	d->realtime_offset = realtime;
	d->boottime_offset = boottime;
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_RELEASE);
	last = c;
}

static bool recent(void)
{
	u64 ticks = vdso_rdtsc() - READ_ONCE(vvar.data.tsc_base);

	return ticks < READ_ONCE(vvar.data.max_ticks) / (TRUST_NS / REFRESH_NS);
}

void clock_now(struct vdso_time *now)
{
	if (!recent()) {
		mutex_lock(&clock_lock);
		if (!recent())
			refresh();
		mutex_unlock(&clock_lock);
	}
	vdso_read(&vvar.data, now);
}

void clock_now_exact(struct vdso_time *now)
{
	mutex_lock(&clock_lock);
	refresh();
	mutex_unlock(&clock_lock);
	vdso_read(&vvar.data, now);
}

u64 clock_monotonic_ns(void)
{
	struct vdso_time now;

	clock_now(&now);
	return now.monotonic;
}

u64 clock_realtime_ns(void)
{
	struct vdso_time now;

	clock_now(&now);
	return now.realtime;
}

u64 clock_boottime_ns(void)
{
	struct vdso_time now;

	clock_now(&now);
	return now.boottime;
}

s64 clock_from_timespec(const struct __kernel_timespec *ts)
{
	if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
		return -1;
	/* As in Linux's timespec64_to_ktime, a value that does not fit becomes the largest. */
	if (ts->tv_sec >= INT64_MAX / (s64)NSEC_PER_SEC)
		return INT64_MAX;
	return ts->tv_sec * (s64)NSEC_PER_SEC + ts->tv_nsec;
}

struct __kernel_timespec clock_to_timespec(u64 ns)
{
	return (struct __kernel_timespec){.tv_sec = (s64)(ns / NSEC_PER_SEC),
					  .tv_nsec = (s64)(ns % NSEC_PER_SEC)};
}
