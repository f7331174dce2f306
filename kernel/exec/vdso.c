// SPDX-License-Identifier: MIT
/* See vdso.h. All programs share the kernel's own pages, read-only. */
#include <linux/mman.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/exec/vdso.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/time/clock.h"

/* The file vdso.so, page-aligned and padded to a page: the build puts it here. */
extern const u8 vdso_start[], vdso_end[];

int vdso_map(struct mm *mm)
{
	u64 size = ALIGN_UP((u64)(vdso_end - vdso_start), PAGE_SIZE);
	s64 addr, ret;

	KASSERT(IS_ALIGNED((u64)vdso_start, PAGE_SIZE));
	mutex_lock(&mm->lock);
	addr = (s64)vma_gap_down(mm, PAGE_SIZE, mm->mmap_top, PAGE_SIZE + size, PAGE_SIZE);
	mutex_unlock(&mm->lock);
	if (addr == 0)
		return -ENOMEM;
	ret = mm_map_kernel(mm, (u64)addr, virt_to_phys(clock_page()), PAGE_SIZE, PROT_READ);
	if (ret < 0)
		return (int)ret;
	ret = mm_map_kernel(mm, (u64)addr + PAGE_SIZE, virt_to_phys(vdso_start), size,
			    PROT_READ | PROT_EXEC);
	if (ret < 0)
		return (int)ret;
	mm->vdso = (u64)addr + PAGE_SIZE;
	return 0;
}
