// SPDX-License-Identifier: MIT
/*
 * Does the worker of exitless calls come when a vCPU makes them in numbers, on a host
 * where each costs 86 us, and serve them? And does it stay away where there is no use for it?
 * sources: vm/exitless.c vm/exitless_policy.c vm/host_thread.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>
#include "vm/hostcall.h"

#define TRIP_US 86

static struct boot_info boot_info;
static struct vcpu_data data;
static struct vcpu vcpu = {.data = &data};
static struct sandbox sandbox = {.boot = &boot_info, .vcpu = {&vcpu}};
static u64 cycles_per_us;
static _Atomic u32 served;

/* Stands in for what exitless.c needs of the monitor. */
bool hostcall_is_nonblocking(u32 nr)
{
	return nr == HC_readv;
}

void hostcall_serve(struct vcpu *v)
{
	served += v == &vcpu;
}

s64 host_syscall(long nr, const u64 arg[6])
{
	return syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

static int set_up(void **state)
{
	struct timespec start, now;
	u64 ticks = __builtin_ia32_rdtsc();

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < 10000000);
	cycles_per_us = (__builtin_ia32_rdtsc() - ticks) / 10000;
	sandbox.tsc_khz = (u32)cycles_per_us * 1000;
	sandbox.opt.exitless = true;
	sandbox.ring_mode = RING_MODE_3;
	vcpu.sandbox = &sandbox;
	CPU_SET(0, &sandbox.cpus);
	CPU_SET(1, &sandbox.cpus);
	return 0;
}

/* The vCPU's thread leaves KVM_RUN for a call, and is away in KVM_RUN for as long as on such hosts.
 */
static void call(u32 nr)
{
	u64 end;

	exitless_arrive(&vcpu);
	exitless_notice(&vcpu, nr);
	end = __builtin_ia32_rdtsc() + TRIP_US * cycles_per_us;
	while (__builtin_ia32_rdtsc() < end)
		;
}

static void calls(u32 nr, int times)
{
	while (times-- && !READ_ONCE(data.worker_on))
		call(nr);
}

static void it_stays_away(void **state)
{
	(void)state;
	/* Calls that may sleep. */
	calls(HC_wait, 2000);
	assert_false(READ_ONCE(data.worker_on));
	sandbox.ring_mode = RING_MODE_0;
	calls(HC_readv, 2000);
	sandbox.ring_mode = RING_MODE_3;
	sandbox.opt.exitless = false;
	calls(HC_readv, 2000);
	sandbox.opt.exitless = true;
	vcpu.own_ids = true;
	calls(HC_readv, 2000);
	vcpu.own_ids = false;
	CPU_CLR(1, &sandbox.cpus);
	calls(HC_readv, 2000);
	CPU_SET(1, &sandbox.cpus);
	assert_false(READ_ONCE(data.worker_on));
}

/* Seldom: the program's own work takes ten times as long as the calls. */
static void it_stays_away_from_few_calls(void **state)
{
	(void)state;
	for (int i = 0; i < 200 && !READ_ONCE(data.worker_on); i++) {
		call(HC_readv);
		usleep(10 * TRIP_US);
	}
	assert_false(READ_ONCE(data.worker_on));
}

/*
 * Sooner or later: where others want the CPU the worker goes to sleep, and the kernel rings again.
 */
static void it_comes_and_serves(void **state)
{
	(void)state;
	for (int tries = 0; tries < 100 && served < 10; tries++) {
		u32 before = served;

		calls(HC_readv, 20000);
		__atomic_fetch_or(&data.submitted, 1, __ATOMIC_SEQ_CST);
		for (int wait = 0; wait < 100 && served == before; wait++)
			usleep(100);
	}
	assert_true(served >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_stays_away),
		cmocka_unit_test(it_stays_away_from_few_calls),
		cmocka_unit_test(it_comes_and_serves),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
