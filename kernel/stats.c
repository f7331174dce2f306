/* The counters that --stats prints. */
#include "kernel/kernel.h"
#include "kernel/stats.h"

struct kernel_stats stats;

void stats_report(void)
{
#define X(name, text) klog(0, "%12lu  " text, stats.name);
	KERNEL_STATS(X)
#undef X
}
