// SPDX-License-Identifier: MIT
/* The stack: growth on demand, its limit, the gap below it, and a very deep one. */
#include "check.h"
#include "probe.h"
#include <alloca.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096UL
#define MIB  (1UL << 20)

/* Uses at least one page for each level. The compiler must not optimize it away. */
static unsigned long descend(unsigned long levels)
{
	volatile unsigned char page[PAGE];

	page[0] = (unsigned char)levels;
	page[PAGE - 1] = 1;
	return levels ? descend(levels - 1) + page[0] + page[PAGE - 1] : 0;
}

CASE(grows)
{
	struct rlimit l;
	char here;

	NEED(getrlimit(RLIMIT_STACK, &l) == 0);
	SHOW(descend(1000));
	/* One access far below: growth is not limited to single pages. */
	volatile char *low = (char *)((uintptr_t)&here - 5 * MIB);
	SHOW_READ(low);
	SHOW_WRITE(low - PAGE);
	low = (char *)((uintptr_t)&here - 3 * MIB);
	CHECK(*low == 0);
	if (l.rlim_cur != RLIM_INFINITY)
		SHOW_READ((char *)((uintptr_t)&here - l.rlim_cur - MIB));
	volatile char *room = alloca(2 * MIB);
	room[0] = 1;
	CHECK(room[0] == 1);
}

CASE(limit_can_change)
{
	struct rlimit l, before;
	char here;

	NEED(getrlimit(RLIMIT_STACK, &before) == 0);
	l = before;
	l.rlim_cur = 16 * MIB;
	SHOW(setrlimit(RLIMIT_STACK, &l));
	SHOW_READ((char *)((uintptr_t)&here - 12 * MIB));
	SHOW_READ((char *)((uintptr_t)&here - 20 * MIB));
	SHOW(setrlimit(RLIMIT_STACK, &before));
}

/* A mapping right below the stack stops its growth, with a gap between. */
CASE(gap)
{
	char here;
	char *wall = (char *)(((uintptr_t)&here & ~(PAGE - 1)) - 14 * MIB);
	struct rlimit l;

	NEED(getrlimit(RLIMIT_STACK, &l) == 0);
	l.rlim_cur = 64 * MIB;
	SHOW(setrlimit(RLIMIT_STACK, &l));
	char *p = mmap(wall, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(p == wall);
	SHOW_READ(wall + 2 * MIB);
	SHOW_READ(wall + PAGE);
	SHOW_READ(wall + 255 * PAGE);
	SHOW_WRITE(wall);
	SHOW(munmap(wall, PAGE));
	SHOW_READ(wall + PAGE);
}

CASE(mapping_that_grows_down)
{
	char *p = mmap(NULL, 1024 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *g;

	NEED(p != MAP_FAILED && munmap(p, 1024 * PAGE) == 0);
	g = mmap(p + 1000 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	CHECK(g == p + 1000 * PAGE);
	SHOW_WRITE(g - PAGE);
	SHOW_WRITE(g - 10 * PAGE);
	SHOW_READ(g + PAGE);
	SHOW(munmap(g - 10 * PAGE, 11 * PAGE));
	SHOW_READ(g);
}

/* Needs "ulimit -s unlimited". */
LONE_CASE(hundred_mib)
{
	SHOW(descend(100 * MIB / PAGE));
	SHOW(descend(100 * MIB / PAGE));
}
