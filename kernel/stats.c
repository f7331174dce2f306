// SPDX-License-Identifier: MIT
/* The counters that --stats prints. */
#include "common/boot_info.h"
#include "common/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/stats.h"

struct kernel_stats stats;
struct hostcall_stats hostcall_stats[HC_MAX];

static const char *const hostcall_names[HC_MAX] = {
#define HOSTCALL(nr, name, impl, desc, ...) [nr] = #name,
#include "common/hostcall.def"
};

void stats_report(void)
{
	struct hostcall_stats seen[HC_MAX];

	memcpy(seen, hostcall_stats, sizeof(seen)); /* the report makes hostcalls of its own */
#define X(name, text) klog(0, "%12lu  " text, stats.name);
	KERNEL_STATS(X)
#undef X
	for (unsigned nr = 0; nr < HC_MAX; nr++)
		if (seen[nr].calls)
			klog(0, "%12lu  %10lu us in hostcall %s", seen[nr].calls,
			     seen[nr].cycles * 1000 / MAX(boot->tsc_khz, 1u), hostcall_names[nr]);
}
