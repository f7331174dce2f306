/* SPDX-License-Identifier: MIT */
/*
 * Counters of the kernel, which --stats prints at exit (kernel/stats.c). A table has a row for each
 * counter. Each vCPU has counters of its own that only it writes, so they need no lock and share no
 * cache line. The report adds them up.
 */
#ifndef KERNEL_STATS_H
#define KERNEL_STATS_H

#include "common/hostcall.h"
#include "common/types.h"
#include "kernel/arch/x86_64/arch.h"

/* clang-format off */
#ifdef BUFFERVM_CHECK
#define CHECK_STATS(X) \
	X(chk_allocs,     "heap: objects with pages of their own") \
	X(chk_frees,      "  released") \
	X(chk_reallocs,   "  reallocated") \
	X(chk_aliases,    "heap: aliases made") \
	X(chk_alias_calls,"  in so many calls") \
	X(chk_unaliases,  "  ended") \
	X(chk_unalias_calls, "  in so many calls") \
	X(chk_stacks,     "heap: call stacks taken") \
	X(chk_sizes,      "heap: sizes asked for")
#else
#define CHECK_STATS(X)
#endif

/*    name             meaning */
#define KERNEL_STATS(X) \
	X(syscalls,        "system calls") \
	X(bytes_read,      "bytes that programs read") \
	X(bytes_written,   "bytes that programs wrote") \
	X(syscalls_patched,"  from patched call sites") \
	X(cpuids_patched,  "CPUIDs from patched sites") \
	X(calls_refused,   "  from sites that cannot be patched") \
	X(sites_patched,   "call sites patched") \
	X(pages_adopted,   "  pages with jumps that another process had made") \
	X(sites_refused,   "  looked at and left as they are") \
	X(hostcalls,       "hostcalls") \
	X(exitless,        "of them without an exit") \
	X(lookups,         "path lookups (fs/path_prefetch.c)") \
	X(lookups_ahead,   "  answered by a prefetch") \
	X(lookups_fetched, "  prefetched") \
	X(lookups_dropped,   "    in vain") \
	X(lookups_repeated, "  the same as the one before") \
	X(fstats_ahead,    "fstat answered by the open before it") \
	X(files_ahead,     "lseek and read with a known answer") \
	X(page_faults,     "page faults of programs") \
	X(fault_fresh,     "faults, the kernel's own too: fresh memory") \
	X(fault_window,    "  pages of files shown") \
	X(fault_file_copy, "  pages of files copied") \
	X(fault_cow,       "  pages that a fork left shared copied") \
	X(fault_upgrade,   "  pages of one owner made writable") \
	X(fault_there,     "  nothing to do any more") \
	X(traps,           "other exceptions") \
	X(upcalls,         "upcalls") \
	X(page_flushes,    "single pages flushed") \
	X(full_flushes,    "whole address spaces flushed") \
	X(switches,        "address spaces changed") \
	X(cow_copies,      "pages copied on write") \
	X(pages_mapped,    "pages mapped by faults") \
	X(huge_mapped,     "2 MiB pages mapped by faults") \
	CHECK_STATS(X)
/* clang-format on */

/* For each hostcall: how many, and how long they took, in TSC cycles and including sleeps. */
struct hostcall_stats {
	u64 calls, cycles;
};

struct kernel_stats {
#define X(name, text) u64 name;
	KERNEL_STATS(X)
#undef X
	struct hostcall_stats hostcall[HC_MAX];
};

/* Returns a vCPU's counters, or NULL before stats_add_vcpu. Those of vCPU 0 always exist. */
struct kernel_stats *stats_of(u32 id);

/* The running vCPU's counters. A test on the host defines it itself, as arch_vcpu_data(). */
#if __STDC_HOSTED__
struct kernel_stats *stats_mine(void);
#else
static inline struct kernel_stats *stats_mine(void)
{
	return (struct kernel_stats *)arch_vcpu_data()->stats;
}
#endif

/*
 * Adds n to a counter of stats_mine(). The report may read the counter meanwhile. No other thread
 * adds to it, because a vCPU runs one thread and the kernel is not preempted.
 */
static inline void stats_add(u64 *counter, u64 n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}
#define STATS_ADD(name, n) stats_add(&stats_mine()->name, n)
#define STATS_INC(name)	   STATS_ADD(name, 1)

/* Allocates the counters of a further vCPU before it runs. Returns 0 or -ENOMEM. */
int stats_add_vcpu(u32 id);

/* Returns the sums of all vCPUs' counters. Called once, at exit. */
const struct kernel_stats *stats_sum(void);
/* Called once, at exit, with these sums: prints the counters (--stats) and the share of patched
 * sites (-v). */
void stats_report(const struct kernel_stats *sum);

#endif
