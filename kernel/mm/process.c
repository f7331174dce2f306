// SPDX-License-Identifier: MIT
/*
 * What address spaces have to do with the running process and its vCPUs: limits, and flushes, in
 * the one place where cached translations are forgotten.
 *
 * A single page costs 16 us and everything 36 us in the ring-3 mode, so three pages or more are
 * everything.
 */
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/internal.h"
#include "kernel/task/process.h"

#define PAGES_ONE_BY_ONE 2

/* Calls fn for each other vCPU that has mm loaded. */
static void for_others(struct mm *mm, void (*fn)(u32 vcpu))
{
	u32 self = arch_vcpu_data()->id;

	for (u32 word = 0; word < ARRAY_SIZE(mm->cpus); word++) {
		u64 bits = __atomic_load_n(&mm->cpus[word], __ATOMIC_SEQ_CST);

		for (; bits; bits &= bits - 1) {
			u32 vcpu = word * 64 + (u32)__builtin_ctzl(bits);

			if (vcpu != self)
				fn(vcpu);
		}
	}
}

static void flush_others(struct mm *mm)
{
	for_others(mm, arch_flush_request);
	for_others(mm, arch_flush_wait);
}

void mm_flush(struct mm *mm, u64 start, u64 end)
{
	/*
	 * An address space that is being made, or one that is left, is loaded nowhere. Another
	 * process's (mm/remote.c) is loaded only on others: what this vCPU flushes is its own.
	 */
	if (mm != current_mm()) {
		flush_others(mm);
		return;
	}
	if (end - start > PAGES_ONE_BY_ONE * PAGE_SIZE)
		arch_flush_all(mm->pml4);
	else
		for (u64 va = start; va < end; va += PAGE_SIZE)
			arch_flush_page(va);
	if (!arch_flush_is_shared())
		flush_others(mm);
}

void mm_stop_others(struct mm *mm)
{
	for_others(mm, arch_stop_request);
	for_others(mm, arch_stop_wait);
}
