// SPDX-License-Identifier: MIT
/*
 * Do the sandbox's clocks follow the host's, and does the monotonic one never go back? The host
 * is made up: its clock runs off the real TSC at a rate, with steps and with noise of our choice.
 * sources: kernel/time/clock.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/hostcall.h"
#include "kernel/lock.h"
#include "kernel/time/clock.h"

/* Stands in for what the clocks need of the kernel. */
u64 arch_rdtsc(void);
void panic(const char *fmt, ...);

#define KHZ 1000000 /* nominal: a tick is a nanosecond */
#define SEC 1000000000UL

static struct {
	u64 tsc; /* what the host's clocks were then: */
	u64 monotonic;
	s64 realtime_offset, boottime_offset;
	s64 ppm;	/* how much faster than nominal it runs from then on */
	u64 noise;	/* a reading is wrong by up to this many ns */
	s64 tsc_offset; /* host's TSC - ours */
	u32 khz;
	u32 calls;
} host;

u64 arch_rdtsc(void)
{
	return __builtin_ia32_rdtsc();
}

void panic(const char *fmt, ...)
{
	fail_msg("panic: %s", fmt);
	abort();
}

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word, 0);
	m->word = 1;
}

void mutex_unlock(struct mutex *m)
{
	assert_int_equal(m->word, 1);
	m->word = 0;
}

static u64 host_monotonic(u64 tsc)
{
	s64 ticks = (s64)(tsc - host.tsc);

	return host.monotonic + (u64)(ticks + (s64)((__int128)ticks * host.ppm / 1000000));
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	struct hostcall_clock *c = (void *)params[0].value;
	u64 tsc = arch_rdtsc();

	assert_int_equal(nr, HC_clock_read);
	assert_int_equal(count, 1);
	host.calls++;
	*c = (struct hostcall_clock){.tsc = tsc + (u64)host.tsc_offset, .tsc_khz = host.khz};
	c->monotonic_ns = host_monotonic(tsc);
	if (host.noise)
		c->monotonic_ns += (u64)random() % host.noise;
	c->realtime_ns = c->monotonic_ns + (u64)host.realtime_offset;
	c->boottime_ns = c->monotonic_ns + (u64)host.boottime_offset;
	return 0;
}

/* Changes the rate now, without a jump of the clock. */
static void set_rate(s64 ppm)
{
	u64 tsc = arch_rdtsc();

	host.monotonic = host_monotonic(tsc);
	host.tsc = tsc;
	host.ppm = ppm;
}

/*
 * Returns our clock minus the host's at some moment of the reading, during which other programs may
 * have the CPU.
 */
static s64 error_now(void)
{
	u64 before = host_monotonic(arch_rdtsc()), after;
	struct vdso_time now;

	clock_now(&now);
	after = host_monotonic(arch_rdtsc());
	return now.monotonic < before ? (s64)(now.monotonic - before)
				      : (s64)(now.monotonic - MIN(now.monotonic, after));
}

/* Reads the clock for this long. It must never go back. */
static void run_for(u64 ticks)
{
	u64 end = arch_rdtsc() + ticks, last = 0, now;

	while (arch_rdtsc() < end) {
		now = clock_monotonic_ns();
		assert_true(now >= last);
		last = now;
	}
}

static int set_up(void **state)
{
	(void)state;
	host.tsc = arch_rdtsc();
	host.monotonic = 5000 * SEC;
	host.realtime_offset = (s64)(1700000000 * SEC);
	host.boottime_offset = (s64)(100 * SEC);
	host.khz = KHZ;
	return 0;
}

static void first_reading_is_the_hosts(void **state)
{
	struct vdso_time now;

	(void)state;
	assert_in_range(error_now() + 100000, 0, 200000);
	clock_now(&now);
	assert_int_equal(now.realtime - now.monotonic, host.realtime_offset);
	assert_int_equal(now.boottime - now.monotonic, host.boottime_offset);
}

static void host_is_asked_twice_a_second(void **state)
{
	(void)state;
	host.calls = 0;
	run_for(3 * SEC);
	assert_in_range(host.calls, 4, 8);
}

static void a_slewed_host_is_followed(void **state)
{
	(void)state;
	set_rate(400);
	run_for(3 * SEC);
	assert_in_range(error_now() + 50000, 0, 100000);
	set_rate(-400);
	run_for(3 * SEC);
	assert_in_range(error_now() + 50000, 0, 100000);
	set_rate(0);
	run_for(2 * SEC);
}

static void noisy_readings_do_not_turn_it_back(void **state)
{
	struct vdso_time now;
	u64 last = 0, boottime = 0;

	(void)state;
	host.noise = 20000;
	for (int i = 0; i < 20000; i++) {
		clock_now_exact(&now);
		assert_true(now.monotonic >= last && now.boottime >= boottime);
		last = now.monotonic;
		boottime = now.boottime;
	}
	host.noise = 0;
	run_for(4 * SEC);
	assert_in_range(error_now() + 50000, 0, 100000);
}

static void steps_of_realtime_are_seen_others_not(void **state)
{
	struct vdso_time now;

	(void)state;
	host.realtime_offset -= (s64)(3600 * SEC);
	clock_now_exact(&now);
	assert_int_equal(now.realtime - now.monotonic, host.realtime_offset);
	host.realtime_offset += 500;
	clock_now_exact(&now);
	assert_int_equal(now.realtime - now.monotonic, host.realtime_offset - 500);
	host.realtime_offset -= 500;
}

static void another_tsc_on_the_host_is_measured(void **state)
{
	(void)state;
	host.tsc_offset = 123456789012;
	run_for(2 * SEC);
	assert_in_range(error_now() + 50000, 0, 100000);
}

/* This test is the last one: its change cannot be undone. */
static void without_a_tsc_every_reading_asks(void **state)
{
	struct vdso_time now;

	(void)state;
	host.khz = 0;
	clock_now_exact(&now);
	host.calls = 0;
	for (int i = 0; i < 10; i++)
		assert_in_range(error_now() + 1000000, 0, 1100000);
	assert_int_equal(host.calls, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_reading_is_the_hosts),
		cmocka_unit_test(host_is_asked_twice_a_second),
		cmocka_unit_test(a_slewed_host_is_followed),
		cmocka_unit_test(noisy_readings_do_not_turn_it_back),
		cmocka_unit_test(steps_of_realtime_are_seen_others_not),
		cmocka_unit_test(another_tsc_on_the_host_is_measured),
		cmocka_unit_test(without_a_tsc_every_reading_asks),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
