// SPDX-License-Identifier: MIT
/*
 * TLB shootdown: flushes on all vCPUs that have an address space loaded, and stopping these vCPUs.
 *
 * In ring-3 mode a flush of up to four pages costs 16 us, and of the whole address space 36 us, and
 * after that the first write to each page table costs an exit. So five pages or more are flushed by
 * a flush of the whole address space.
 */
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/internal.h"
#include "kernel/task/process.h"

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
	 * mm is an address space that is being made or destroyed, which no vCPU has loaded, or one
	 * of another process (mm/remote.c). Local flushes only affect the running address space.
	 */
	if (mm != current_mm()) {
		flush_others(mm);
		return;
	}
	if (end - start > ARCH_FLUSH_PAGES * PAGE_SIZE)
		arch_flush_all(mm->pml4);
	else if (start < end)
		arch_flush_pages(start, (end - start) / PAGE_SIZE);
	if (!arch_flush_is_shared())
		flush_others(mm);
}

void mm_stop_others(struct mm *mm)
{
	for_others(mm, arch_stop_request);
	for_others(mm, arch_stop_wait);
}
