// SPDX-License-Identifier: MIT
/*
 * The shape of a Go program: a static ET_EXEC, not position-independent, that places its arenas at
 * fixed hints, reserves with PROT_NONE, makes parts usable with MAP_FIXED, and sets a handler for
 * each signal on an alternate stack.
 */
// options: -static -fno-pie
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MIB   (1UL << 20)
#define ARENA (64 * MIB)

/* runtime.sysReserve, sysMap and sysUsed. */
static char *reserve(uintptr_t hint, size_t len)
{
	return mmap((void *)hint, len, PROT_NONE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
}

static void commit(char *p, size_t len)
{
	NEED(mmap(p, len, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_FIXED | MAP_PRIVATE, -1, 0) ==
	     p);
}

CASE(arenas)
{
	char *arena[4];
	unsigned long sum = 0;

	for (int i = 0; i < 4; i++) {
		arena[i] = reserve(0xc000000000 + i * ARENA, ARENA);
		CHECK(arena[i] == (char *)0xc000000000 + i * ARENA);
	}
	commit(arena[0], 4 * MIB);
	commit(arena[1] + ARENA / 2, ARENA / 2);
	for (size_t i = 0; i < 4 * MIB; i += 4096)
		arena[0][i] = (char)(i / 4096);
	for (size_t i = 0; i < 4 * MIB; i += 512)
		sum += (unsigned char)arena[0][i];
	SHOW(sum);
	/* sysUnused, sysHugePage, sysFault. */
	SHOW(madvise(arena[0], MIB, MADV_DONTNEED));
	SHOW(arena[0][4096]);
	SHOW(madvise(arena[1] + ARENA / 2, ARENA / 2, MADV_HUGEPAGE));
	SHOW(madvise(arena[0] + MIB, MIB, MADV_FREE));
	commit(arena[0] + 2 * MIB, MIB); /* The range reads as zero again. */
	SHOW(arena[0][2 * MIB + 4096]);
	/*
	 * A hint that is taken: the kernel chooses another place, and the program gives that back.
	 */
	char *other = reserve(0xc000000000, ARENA);
	CHECK(other != MAP_FAILED && other != arena[0]);
	SHOW(munmap(other, ARENA));
	/* The page summaries: hundreds of MiB, of which almost nothing is touched. */
	char *summary = reserve(0, 600 * MIB);
	commit(summary + 512 * MIB, 4096);
	summary[512 * MIB] = 1;
	/* An index at a low fixed address. */
	char *index = mmap((void *)0x20000000, MIB, PROT_READ | PROT_WRITE,
			   MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	CHECK(index == (char *)0x20000000);
}

static volatile sig_atomic_t handled;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	handled = signal;
}

CASE(signals)
{
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	static char stack[32 << 10];
	int installed = 0;

	sigfillset(&action.sa_mask);
	SHOW(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL));
	for (int s = 1; s <= 64; s++)
		installed += sigaction(s, &action, NULL) == 0;
	SHOW(installed);
	/* Go's preemption signal. */
	SHOW(syscall(SYS_tgkill, getpid(), gettid(), SIGURG));
	SHOW(handled == SIGURG);
}

CASE(startup_calls)
{
	unsigned char mask[8192];
	struct timespec t;

	CHECK(syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) > 0);
	CHECK(getauxval(AT_SYSINFO_EHDR) != 0 && getauxval(AT_RANDOM) != 0);
	SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t));
	extern char __executable_start;
	CHECK(&__executable_start == (char *)0x400000);
}
