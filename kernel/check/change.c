// SPDX-License-Identifier: MIT
/*
 * What a program's own calls of mprotect(2), madvise(2) and the like may do to the guarded range.
 * The program can neither map nor unmap memory there. It may protect and lock the pages of live
 * objects and discard their content, as with those of any malloc(3).
 */
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"

bool chk_may_change(struct mm *mm, u64 start, u64 end)
{
	const u64 spans = mm->check->heap ? mm->check->heap->spans << CHK_SPAN_SHIFT : 0;
	struct chk_object obj;

	if (!check_owns(start, end))
		return true;
	if (!mm->check->heap || start < CHK_GUARDED_BASE || end > CHK_GUARDED_END)
		return false;
	if (start - CHK_BASE_AREA < CHK_BASE_SIZE)
		return end <= CHK_BASE_AREA + spans;
	for (u64 at = start; at < end; at = ALIGN_UP(obj.o.start + obj.o.size, PAGE_SIZE))
		if (!chk_object_of(mm, at, &obj) || obj.o.state != CHK_STATE_LIVE ||
		    at >= ALIGN_UP(obj.o.start + obj.o.size, PAGE_SIZE))
			return false;
	return true;
}

bool chk_discard(struct mm *mm, u64 start, u64 end)
{
	struct chk_object obj;
	void *p;

	if (start < CHK_BASE_AREA || start >= CHK_LARGE_AREA)
		return false;
	for (u64 page = start; page < end; page += PAGE_SIZE) {
		if (!chk_object_of(mm, page, &obj) || obj.o.start > page ||
		    obj.o.start + obj.o.size < page + PAGE_SIZE)
			continue;
		p = chk_touch(mm, page);
		if (p)
			memset(p, 0, PAGE_SIZE);
	}
	return true;
}
