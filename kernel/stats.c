// SPDX-License-Identifier: MIT
/* The counters that --stats prints. */
#include "common/boot_info.h"
#include "common/hostcall.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/stats.h"
#include "kernel/task/vcpu.h"

static struct kernel_stats of_boot;
static struct kernel_stats *of_vcpu[VCPUS_MAX] = {&of_boot}; /* by id; NULL: not started yet */

static const char *const hostcall_names[HC_MAX] = {
#define HOSTCALL(nr, name, impl, desc, ...) [nr] = #name,
#include "common/hostcall.def"
};

struct kernel_stats *stats_of(u32 id)
{
	return __atomic_load_n(&of_vcpu[id], __ATOMIC_ACQUIRE);
}

int stats_add_vcpu(u32 id)
{
	struct kernel_stats *s = kzalloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	__atomic_store_n(&of_vcpu[id], s, __ATOMIC_RELEASE);
	return 0;
}

/* Adds one vCPU's counters to the sums. */
static void sum_up(struct kernel_stats *sum, const struct kernel_stats *s)
{
#define X(name, text) sum->name += __atomic_load_n(&s->name, __ATOMIC_RELAXED);
	KERNEL_STATS(X)
#undef X
	for (unsigned nr = 0; nr < HC_MAX; nr++) {
		const struct hostcall_stats *h = &s->hostcall[nr];

		sum->hostcall[nr].calls += __atomic_load_n(&h->calls, __ATOMIC_RELAXED);
		sum->hostcall[nr].cycles += __atomic_load_n(&h->cycles, __ATOMIC_RELAXED);
	}
}

const struct kernel_stats *stats_sum(void)
{
	static struct kernel_stats sum; /* large for a stack; the report is made once */

	for (u32 id = 0; id < VCPUS_MAX; id++) {
		const struct kernel_stats *s = stats_of(id);

		if (s)
			sum_up(&sum, s);
	}
	return &sum;
}

void stats_report(const struct kernel_stats *sum)
{
	klog(1, "%lu of %lu system calls came from patched call sites; %lu from sites that stay",
	     sum->syscalls_patched, sum->syscalls, sum->calls_refused);
	if (!(boot->flags & BOOT_STATS))
		return;
#define X(name, text) klog(0, "%12lu  " text, sum->name);
	KERNEL_STATS(X)
#undef X
	for (unsigned nr = 0; nr < HC_MAX; nr++) {
		const struct hostcall_stats *h = &sum->hostcall[nr];

		if (h->calls)
			klog(0, "%12lu  %10lu us in hostcall %s", h->calls,
			     h->cycles * 1000 / MAX(boot->tsc_khz, 1u), hostcall_names[nr]);
	}
}
