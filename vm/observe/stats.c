// SPDX-License-Identifier: MIT
/* What a run took (--stats), from the host's counters and the kernel's account. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "vm/hostcall.h"
#include "vm/observe/observe.h"

static struct timespec started;
static struct hostcall_end_info account;
static bool complete;

void stats_begin(void)
{
	clock_gettime(CLOCK_MONOTONIC, &started);
}

/* The kernel is near its end, and no other thread reads the account before that. */
s64 hc_do_end_info(struct call *c, const void *info, u32 info_len)
{
	(void)c;
	if (info_len != sizeof(account))
		return -EINVAL;
	memcpy(&account, info, sizeof(account));
	account.calls = MIN(account.calls, (u32)HOSTCALL_END_CALLS);
	complete = true;
	return 0;
}

static double seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

void stats_totals(struct sandbox *s, struct run_totals *to)
{
	struct timespec now;
	struct rusage usage;

	memset(to, 0, sizeof(*to));
	clock_gettime(CLOCK_MONOTONIC, &now);
	getrusage(RUSAGE_SELF, &usage);
	if (started.tv_sec || started.tv_nsec)
		to->wall_s = (double)(now.tv_sec - started.tv_sec) +
			     (double)(now.tv_nsec - started.tv_nsec) / 1e9;
	to->user_s = seconds(&usage.ru_utime);
	to->system_s = seconds(&usage.ru_stime);
	to->peak_bytes = (u64)usage.ru_maxrss * 1024;
	for (u32 id = 0; id < VCPU_MAX; id++) {
		const struct vcpu *v = __atomic_load_n(&s->vcpu[id], __ATOMIC_ACQUIRE);

		if (!v)
			continue;
		to->exits += READ_ONCE(v->exits);
		to->hostcalls += READ_ONCE(v->hostcalls);
	}
	to->kernel = account;
	to->complete = complete;
}

/* "1.5 GiB". The text is valid until the next call but three. */
static const char *human(u64 bytes)
{
	static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	static char text[4][32];
	static u32 turn;
	char *to = text[turn++ % ARRAY_SIZE(text)];
	double n = (double)bytes;
	u32 u = 0;

	while (n >= 1024 && u + 1 < ARRAY_SIZE(unit)) {
		n /= 1024;
		u++;
	}
	snprintf(to, sizeof(text[0]), u ? "%.1f %s" : "%.0f %s", n, unit[u]);
	return to;
}

void stats_report_people(struct sandbox *s)
{
	struct run_totals t;
	const struct hostcall_end_info *k = &t.kernel;

	stats_totals(s, &t);
	message("wall time     %.3f s", t.wall_s);
	message("CPU time      %.3f s (user %.3f, system %.3f)", t.user_s + t.system_s, t.user_s,
		t.system_s);
	message("peak memory   %s of the host", human(t.peak_bytes));
	message("processes     %lu, with %lu threads; at most %lu at a time", k->processes,
		k->threads, k->tasks_peak);
	message("read          %s", human(k->bytes_read));
	message("written       %s", human(k->bytes_written));
	message("system calls  %lu", k->syscalls);
	message("page faults   %lu", k->page_faults);
	message("hostcalls     %lu (%lu exits of the machine)", t.hostcalls, t.exits);
	if (k->oom_kills || k->tasks_refused)
		message("limits        memory: %lu killed; processes: %lu refused", k->oom_kills,
			k->tasks_refused);
	else
		message("limits        none reached");
}
