// SPDX-License-Identifier: MIT
/*
 * Plans of patched call sites: which text a plan looks at (patch_text.h), and the stub that comes
 * of it.
 *
 * The plan of a shared text must hold for each address space that uses it. So it is made from the
 * file's bytes, whatever the address space at hand has changed, and only within the range that all
 * these address spaces map.
 */
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/stubs.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/patch_text.h"
#include "kernel/mm/text_cache.h"

/* A copy of the text around a SYSCALL. */
struct text_window {
	u8 *bytes;
	u64 start, end;
};

static u64 file_offset(const struct vma *v, u64 va)
{
	return v->offset + (va - v->start);
}

void patch_plan_range(const struct vma *v, u64 va, u64 *low, u64 *high)
{
	u64 page = ALIGN_DOWN(va, PAGE_SIZE);

	*low = file_offset(v, MAX(v->start, page - MIN(page, SITE_WINDOW_SIDE)));
	*high = file_offset(v, MIN(v->end, page + PAGE_SIZE + SITE_WINDOW_SIDE));
}

void patch_plan_prepare(struct mm *mm, const struct vma *v, u64 at)
{
	u64 low, high, gpa;
	struct mm_fault_info info;

	ASSERT_HELD(&mm->lock);
	low = MAX(v->start, ALIGN_DOWN(at - MIN(at, SITE_WINDOW_SIDE), PAGE_SIZE));
	high = MIN(v->end, ALIGN_UP(at + SITE_WINDOW_SIDE, PAGE_SIZE));
	for (u64 va = low; va < high; va += PAGE_SIZE) {
		struct pt_leaf leaf;

		if (!pt_find(mm, va, &leaf))
			mm_fault_locked(mm, va, MM_READ, &info);
		if ((va == low || IS_ALIGNED(file_offset(v, va), HUGE_SIZE)) && text_fits(v) &&
		    text_take(v, file_offset(v, va), 1, &gpa))
			frame_put(gpa);
	}
}

/*
 * Returns the page at va as readers see it, with a reference if the page is RAM. 0: it is missing.
 */
static u64 page_of(struct mm *mm, const struct vma *v, const struct patch_text *t, u64 va)
{
	struct pt_leaf leaf;
	u64 gpa;

	if (t->shared)
		return text_peek(v, file_offset(v, va));
	if (!pt_find(mm, va, &leaf) || !(*leaf.entry & PTE_P))
		return 0;
	if (leaf.size == PAGE_SIZE)
		gpa = pt_gpa(patch_original(mm, va, *leaf.entry));
	else
		gpa = pt_gpa(*leaf.entry & ~PTE_PS) + (va - leaf.va);
	if (frame_is_ram(gpa))
		frame_get(gpa);
	return gpa;
}

static bool copy_text(struct mm *mm, const struct vma *v, const struct patch_text *t, u64 va,
		      u8 *to, u64 n)
{
	u64 page = ALIGN_DOWN(va, PAGE_SIZE), gpa = page_of(mm, v, t, page);
	bool copied = gpa && !arch_copy(to, (char *)phys_to_virt(gpa) + (va - page), n);

	if (gpa && frame_is_ram(gpa))
		frame_put(gpa);
	return copied;
}

/*
 * Copies the text from side bytes before at to side bytes after it, or the part around at that can
 * be read; of a shared text all that lies in its range. Returns false if that fails.
 */
static bool read_window(struct mm *mm, const struct vma *v, const struct patch_text *t, u64 at,
			u64 side, struct text_window *w)
{
	u64 low = MAX(v->start, at - side), high = MIN(v->end, at + side);

	w->start = w->end = low;
	while (w->end < high) {
		u64 next = ALIGN_DOWN(w->end, PAGE_SIZE) + PAGE_SIZE, n = MIN(high, next) - w->end;

		if (copy_text(mm, v, t, w->end, w->bytes + (w->end - w->start), n))
			w->end += n;
		else if (t->shared || next > ALIGN_DOWN(at, PAGE_SIZE))
			break;
		else
			w->start = w->end = next;
	}
	return t->shared ? w->end == high : w->end >= at + SYSCALL_SIZE;
}

/* Plans the jump from side bytes of text on each side, and makes its stub. Slot, or 0: none. */
static u32 plan(struct mm *mm, const struct vma *v, struct patch_text *t, u64 at, u64 side,
		struct call_site *site)
{
	struct text_window w = {.bytes = kmalloc(2 * side)};
	u64 page = ALIGN_DOWN(at, PAGE_SIZE);
	bool near = side == SITE_NEAR_SIDE;
	u32 slot = 0;

	if (w.bytes && read_window(mm, v, t, at, side, &w)) {
		u32 size = (u32)(w.end - w.start), offset = (u32)(at - w.start);
		u32 low = (u32)(MAX(page, w.start) - w.start);
		u32 high = (u32)(MIN(page + PAGE_SIZE, w.end) - w.start);

		if (near ? call_site_plan_near(w.bytes, size, offset, low, high, site)
			 : call_site_plan(w.bytes, size, offset, low, high, site))
			slot = stub_new(t, (u32)(at - page) - site->before, site,
					w.bytes + offset - site->before);
	}
	kfree(w.bytes);
	return slot;
}

u32 patch_plan(struct mm *mm, const struct vma *v, struct patch_text *t, u64 at,
	       struct call_site *site)
{
	u32 slot;

	ASSERT_HELD(&mm->lock);
	ASSERT_HELD(&patch_lock);
	slot = plan(mm, v, t, at, SITE_NEAR_SIDE, site);
	return slot ? slot : plan(mm, v, t, at, SITE_WINDOW_SIDE, site);
}
