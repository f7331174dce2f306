// SPDX-License-Identifier: MIT
/* No guarded heap: for tests of memory management without it. */
#include <asm/errno.h>
#include "kernel/heap/heap.h"

int heap_populate(struct mm *mm, u64 page)
{
	(void)mm;
	(void)page;
	return -EFAULT;
}

int heap_dup(struct mm *child, struct mm *mm)
{
	(void)child;
	(void)mm;
	return 0;
}

void heap_free(struct mm *mm)
{
	(void)mm;
}

int heap_copy_vma(struct mm *child, struct mm *mm, const struct vma *v, struct pt_flush *flush)
{
	(void)child;
	(void)mm;
	(void)v;
	(void)flush;
	return 0;
}

bool heap_find(struct mm *mm, u64 addr, struct check_object *object)
{
	(void)mm;
	(void)addr;
	(void)object;
	return false;
}

bool heap_may_change(struct mm *mm, u64 start, u64 end)
{
	(void)mm;
	(void)start;
	(void)end;
	return true;
}

bool heap_is_packed(u64 addr)
{
	(void)addr;
	return false;
}

void heap_clear_packed(struct mm *mm, u64 start, u64 end)
{
	(void)mm;
	(void)start;
	(void)end;
}
