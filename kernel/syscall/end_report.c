// SPDX-License-Identifier: MIT
/*
 * What the user and the monitor learn when the sandbox ends: which system calls were refused or do
 * not exist, and what the kernel counted.
 *
 * A missing call is named in any case. A refused one is what a program has to expect, and most have
 * a second way; so they are named with -v, and when the first process failed: then the refusal may
 * be the reason. rseq(2) is named only with -v, because the C library tries it in every process.
 */
#include "common/boot_info.h"
#include "kernel/define_syscall.h"
#include "kernel/hostcall.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/stats.h"
#include "kernel/syscall/trace_line.h"
#include "kernel/task/nproc.h"
#include "kernel/task/oom.h"
#include "kernel/task/process.h"
#include "kernel/trace.h"

#include <asm/unistd.h>

#define CALLS 512

static struct {
	u32 count;
	u8 error;
	bool missing;
} calls[CALLS];

static void count(u64 nr, int error, bool missing)
{
	if (nr >= CALLS)
		return;
	calls[nr].error = (u8)error;
	calls[nr].missing = missing;
	__atomic_add_fetch(&calls[nr].count, 1, __ATOMIC_RELAXED);
}

void syscall_refused(int error)
{
	count(current()->syscall_nr, error, false);
}

void syscall_missing(u64 nr)
{
	count(nr, ENOSYS, true);
}

static const char *name_of(u64 nr)
{
	const char *name = trace_call_name(nr);

	return name ? name : "?";
}

/* Names refused calls in one line, "name (error, n times)" each. */
static void name_refused(int level)
{
	char text[400];
	u32 len = 0;

	text[0] = '\0';
	for (u64 nr = 0; nr < CALLS && len + 64 < sizeof(text); nr++) {
		const char *error, *meaning;

		if (!calls[nr].count || calls[nr].missing || (nr == __NR_rseq && level == 0) ||
		    !trace_error(calls[nr].error, &error, &meaning))
			continue;
		len += (u32)snprintf(text + len, sizeof(text) - len, "%s%s (%s, %ux)",
				     len ? ", " : "", name_of(nr), error, calls[nr].count);
	}
	if (len)
		klog(level, "system calls refused on purpose: %s", text);
}

static void give_account(const struct kernel_stats *sum)
{
	struct hostcall_end_info *info = kzalloc(sizeof(*info));

	if (!info)
		return;
	info->syscalls = sum->syscalls;
	info->page_faults = sum->page_faults;
	info->processes = nproc_totals.processes;
	info->threads = nproc_totals.threads;
	info->tasks_peak = nproc_totals.peak;
	info->tasks_refused = nproc_totals.refused;
	info->bytes_read = sum->bytes_read;
	info->bytes_written = sum->bytes_written;
	info->oom_kills = oom_kills;
	info->first_killed = init_process->oom_killed;
	for (u16 nr = 0; nr < CALLS && info->calls < HOSTCALL_END_CALLS; nr++) {
		if (!calls[nr].count)
			continue;
		info->call[info->calls].nr = nr;
		info->call[info->calls].error = calls[nr].error;
		info->call[info->calls].missing = calls[nr].missing;
		info->call[info->calls].count = calls[nr].count;
		info->calls++;
	}
	hc_end_info(info, sizeof(*info));
	kfree(info);
}

void syscall_report(int wait_status)
{
	const struct kernel_stats *sum = stats_sum();

	for (u64 nr = 0; nr < CALLS; nr++)
		if (calls[nr].count && calls[nr].missing)
			klog(0, "system call %lu (%s) is not implemented: ENOSYS, %u times", nr,
			     name_of(nr), calls[nr].count);
	name_refused(wait_status ? 0 : 1);
	stats_report(sum);
	if (boot->flags & BOOT_END_INFO)
		give_account(sum);
}
