/* Counters of the kernel, printed at exit by --stats (kernel/stats.c). One row each. */
#ifndef KERNEL_STATS_H
#define KERNEL_STATS_H

#include "common/types.h"

/* clang-format off */
/*    name             meaning */
#define KERNEL_STATS(X) \
	X(syscalls,        "system calls") \
	X(hostcalls,       "hostcalls") \
	X(page_faults,     "page faults") \
	X(traps,           "other exceptions") \
	X(upcalls,         "upcalls") \
	X(page_flushes,    "single pages flushed") \
	X(full_flushes,    "whole address spaces flushed") \
	X(cow_copies,      "pages copied on write") \
	X(pages_mapped,    "pages mapped by faults") \
	X(huge_mapped,     "2 MiB pages mapped by faults")
/* clang-format on */

struct kernel_stats {
#define X(name, text) u64 name;
	KERNEL_STATS(X)
#undef X
};
extern struct kernel_stats stats;

void stats_report(void);

#endif
