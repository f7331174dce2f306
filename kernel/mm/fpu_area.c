// SPDX-License-Identifier: MIT
/* See fpu_area.h. The word before an area is the address of the kmalloc block that contains it. */
#include "kernel/mm/fpu_area.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/xstate.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"

struct xsave_area *fpu_area_new(void)
{
	void *block = kzalloc(sizeof(block) + XSAVE_ALIGN + arch_fpu_size());
	u64 area;

	if (!block)
		return NULL;
	area = ALIGN_UP((u64)block + sizeof(block), XSAVE_ALIGN);
	((void **)area)[-1] = block;
	return (struct xsave_area *)area;
}

struct xsave_area *fpu_area_saved(void)
{
	struct xsave_area *area = fpu_area_new();

	if (area)
		arch_fpu_save(area);
	return area;
}

void fpu_area_free(struct xsave_area *area)
{
	if (area)
		kfree(((void **)area)[-1]);
}
