/*
 * Flushes: the one place where cached translations are forgotten.
 *
 * A single page costs 16 us and everything 36 us in the ring-3 home, so three pages or more are
 * everything.
 */
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/internal.h"
#include "kernel/task/task.h"

#define PAGES_ONE_BY_ONE 2

void mm_flush(struct mm *mm, u64 start, u64 end)
{
	if (mm == current_mm()) {
		if (end - start > PAGES_ONE_BY_ONE * PAGE_SIZE)
			arch_flush_all();
		else
			for (u64 va = start; va < end; va += PAGE_SIZE)
				arch_flush_page(va);
	}
	mm_flush_others(mm, start, end);
}

/* A process has one vCPU so far. */
void mm_flush_others(__attribute__((unused)) struct mm *mm, __attribute__((unused)) u64 start,
		     __attribute__((unused)) u64 end)
{
}

u64 mm_rlimit(unsigned which)
{
	return current_process()->rlimit[which].cur;
}
