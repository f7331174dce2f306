// SPDX-License-Identifier: MIT
/*
 * Scheduling policies as sched(7) has them: what is kept and reported, which arguments are wrong,
 * what a child starts with, and how struct sched_attr grows with its versions.
 */
#include "check.h"
#include "child.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESET_ON_FORK 1
#define KEEP_POLICY   8
#define KEEP_PARAMS   16
#define UTIL_MIN      32

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
	uint64_t tail[2];
};

#define SIZE_0 48
#define SIZE_1 56

static long set(struct attr a)
{
	if (!a.size)
		a.size = SIZE_1;
	return syscall(SYS_sched_setattr, 0, &a, 0);
}

static void show(void)
{
	struct attr a = {0};

	SHOW(syscall(SYS_sched_getattr, 0, &a, SIZE_1, 0));
	printf("size %u policy %u flags %lx nice %d priority %u; getscheduler %x, getpriority %d\n",
	       a.size, a.policy, a.flags, a.nice, a.priority, sched_getscheduler(0),
	       getpriority(PRIO_PROCESS, 0));
}

CASE(nice_by_attributes)
{
	show();
	SHOW(set((struct attr){.nice = 5}));
	show();
	SHOW(set((struct attr){.nice = 5, .policy = SCHED_BATCH}));
	show();
	SHOW(set((struct attr){.nice = 7, .policy = SCHED_IDLE, .flags = KEEP_POLICY}));
	show();
	SHOW(set((struct attr){.nice = 12, .policy = SCHED_OTHER, .flags = KEEP_PARAMS}));
	show();
	SHOW(set((struct attr){.nice = 100}));
	show();
	CHECK(getpriority(PRIO_PROCESS, 0) == 19);
}

CASE(a_child_of_a_thread_that_resets)
{
	SHOW(set((struct attr){.nice = 19, .flags = RESET_ON_FORK}));
	show();
	status_of_child(show);
	/* The flag is kept when the policy is kept. */
	SHOW(sched_setparam(0, &(struct sched_param){0}));
	show();
	SHOW(sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &(struct sched_param){0}));
	show();
}

/* For a user who may do it. For others both sides print EPERM. */
CASE(real_time)
{
	struct timespec slice;
	struct sched_param param;

	SHOW(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){0}));
	SHOW(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){100}));
	SHOW(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){1}));
	fflush(stdout);
	if (fork() == 0) {
		SHOW(sched_setscheduler(0, SCHED_RR, &(struct sched_param){3}));
		show();
		SHOW(sched_getparam(0, &param));
		SHOW(param.sched_priority);
		SHOW(sched_setparam(0, &(struct sched_param){4}));
		show();
		SHOW(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK,
					&(struct sched_param){5}));
		SHOW(sched_rr_get_interval(0, &slice));
		show();
		status_of_child(show);
		_exit(0);
	}
	wait(NULL);
}

CASE(wrong_attributes)
{
	struct attr *edge, a = {.size = SIZE_1};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(page != MAP_FAILED && mprotect(page + 4096, 4096, PROT_NONE) == 0);
	edge = (struct attr *)(page + 4096 - SIZE_0);
	SHOW(set((struct attr){.policy = 99}));
	SHOW(set((struct attr){.policy = 0x80000000}));
	SHOW(set((struct attr){.flags = 0x100}));
	SHOW(set((struct attr){.flags = KEEP_POLICY | 0x80000000}));
	SHOW(set((struct attr){.priority = 1}));
	SHOW(set((struct attr){.policy = SCHED_FIFO}));
	SHOW(set((struct attr){.policy = 6}));
	SHOW(set((struct attr){.size = SIZE_0, .flags = UTIL_MIN}));
	SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
	SHOW(syscall(SYS_sched_setattr, -1, &a, 0));
	SHOW(syscall(SYS_sched_setattr, 0, &a, 1));
	SHOW(syscall(SYS_sched_setattr, 0x3fffffff, &a, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &a, SIZE_0 - 1, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &a, 4097, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &a, SIZE_1, 1));
	/*
	 * Sizes: 0 means the first version's size; a size that is too small, or a tail that is not
	 * zero, is answered by the kernel's size.
	 */
	edge->size = 0;
	SHOW(syscall(SYS_sched_setattr, 0, edge, 0));
	edge->size = SIZE_1;
	SHOW(syscall(SYS_sched_setattr, 0, edge, 0));
	a.size = SIZE_0 - 1;
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	CHECK(a.size >= SIZE_1);
	a.size = sizeof(a);
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	a.tail[1] = 1;
	SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
	CHECK(a.size < sizeof(a));
	/* Older kernels leave the tail as it was. */
	if (!check_kernel(6, 12))
		return;
	memset(&a, 0xff, sizeof(a));
	SHOW(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0));
	CHECK(a.size == SIZE_1 && a.tail[0] == 0 && a.tail[1] == 0);
}
