// SPDX-License-Identifier: MIT
/*
 * What does stack capture (check/preload/unwind.c) cost, and is it right, in real programs?
 * Preloaded into one, natively: each allocation's stack is captured and timed; some are compared
 * with libgcc's unwinder, some are captured again with everything forgotten. Results, one line of
 * numbers, are appended to the file that UNWIND_RESULTS names: see bench/unwind.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>
#include <x86intrin.h>
#include "check/preload/unwind.h"
#include "check/preload/unwind_kernel.h"

#define DEPTH_MAX     64
#define COMPARE_EVERY 64
#define FORGET_EVERY  65536
#define BUCKET	      16 /* ticks */
#define LINE	      (BUCKETS * 16)
#define BUCKETS	      4096 /* the last one has all longer times, too */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static struct {
	u64 stacks, frames; /* as the program ran ... */
	u64 took[BUCKETS];  /* ... and how many of them took how long */
	u64 cold[BUCKETS];  /* for one frame, with everything forgotten */
	u64 compared, differ;
} sum;
static u32 depth = 16;
static bool on, show;
static __thread bool inside;
static u64 start_ticks, start_ns;

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

struct theirs {
	u64 pc[DEPTH_MAX];
	u32 n;
};

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *arg)
{
	struct theirs *t = arg;
	int before = 0;
	u64 ip = _Unwind_GetIPInfo(context, &before);

	if (ip == 0 || t->n == DEPTH_MAX)
		return _URC_END_OF_STACK;
	t->pc[t->n++] = ip + (before ? 1 : 0);
	return _URC_NO_REASON;
}

static void print_stack(const char *whose, const u64 *pc, u32 n)
{
	fprintf(stderr, "  %s:\n", whose);
	for (u32 i = 0; i < n; i++) {
		Dl_info info = {0};

		dladdr((void *)pc[i], &info);
		fprintf(stderr, "    %#lx %s+%#lx\n", pc[i], info.dli_fname ? info.dli_fname : "?",
			pc[i] - (u64)info.dli_fbase);
	}
}

/* libgcc's stack begins some frames deeper, in this function. */
static void compare(const u64 *pc, u32 n)
{
	struct theirs t = {.n = 0};
	u32 first = 0;

	_Unwind_Backtrace(note, &t);
	while (first < t.n && t.pc[first] != pc[0])
		first++;
	sum.compared++;
	if (first + n <= t.n && !memcmp(pc, t.pc + first, n * sizeof(*pc)) &&
	    (n == depth || first + n == t.n))
		return;
	sum.differ++;
	if (show) {
		print_stack("ours", pc, n);
		print_stack("libgcc's", t.pc, t.n);
	}
}

static inline __attribute__((always_inline)) void capture(void)
{
	u64 pc[DEPTH_MAX], start, end;
	u32 n;

	if (!on || inside)
		return;
	inside = true;
	start = __rdtsc();
	n = UNWIND_CALLERS(pc, depth);
	end = __rdtsc();
	sum.frames += n;
	sum.took[MIN((end - start) / BUCKET, BUCKETS - 1)]++;
	if (sum.stacks++ % COMPARE_EVERY == 0)
		compare(pc, n);
	if (sum.stacks % FORGET_EVERY == 1) {
		unwind_generation++;
		start = __rdtsc();
		n = UNWIND_CALLERS(pc, depth);
		sum.cold[MIN((__rdtsc() - start) / n / BUCKET, BUCKETS - 1)]++;
	}
	inside = false;
}

void *malloc(size_t size)
{
	capture();
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	capture();
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	capture();
	return __libc_realloc(p, size);
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("UNWIND_DEPTH");

	if (text)
		depth = MIN((u32)atoi(text), DEPTH_MAX);
	show = getenv("UNWIND_SHOW") != NULL;
	inside = true;
	_Unwind_Backtrace(note, &(struct theirs){.n = 0}); /* loads libgcc */
	inside = false;
	start_ticks = __rdtsc();
	start_ns = now_ns();
	on = getenv("UNWIND_RESULTS") != NULL;
}

/* Appends " name bucket:count" for each bucket that is not empty, after the first len bytes. */
static int put(char *line, int len, char name, const u64 *bucket)
{
	for (int i = 0; i < BUCKETS; i++)
		if (bucket[i] && len < LINE - 40)
			len += snprintf(line + len, 40, " %c%d:%lu", name, i, bucket[i]);
	return len;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("UNWIND_RESULTS");
	double ns_per_tick = (double)(now_ns() - start_ns) / (double)(__rdtsc() - start_ticks);
	static char line[LINE];
	int fd, len;

	on = false;
	if (!path || !sum.stacks)
		return;
	len = snprintf(line, sizeof(line), "%lu %lu %lu %lu %f", sum.stacks, sum.frames,
		       sum.compared, sum.differ, ns_per_tick * BUCKET);
	len = put(line, len, 't', sum.took);
	len = put(line, len, 'c', sum.cold);
	line[len++] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}
