// SPDX-License-Identifier: MIT
/*
 * The VMA tree of an address space, ordered by address.
 *
 * Each VMA has the size of the gap below it, and the largest gap in its subtree, so that the search
 * for free space skips subtrees whose gaps are too small. libbsd's tree updates the augmentation of
 * the nodes that it rotates, but not of their ancestors: update_gap does that.
 *
 * Invariants: VMAs do not overlap and are not empty. gap and max_gap are right for every VMA in the
 * tree whenever a function of this file returns. vma_count counts all VMAs; this file keeps
 * total_pages for all but VM_MANAGED ones.
 */
struct vma;
static void vma_augment(struct vma *v);
#define RB_AUGMENT(v) vma_augment(v)

#include "kernel/kernel.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"

static int vma_compare(const struct vma *a, const struct vma *b)
{
	return a->start < b->start ? -1 : a->start > b->start;
}

#define UNUSED_STATIC __attribute__((unused)) static
RB_GENERATE_INTERNAL(vma_tree, vma, link, vma_compare, UNUSED_STATIC)

static void vma_augment(struct vma *v)
{
	const struct vma *left = RB_LEFT(v, link), *right = RB_RIGHT(v, link);
	u64 max = v->gap;

	if (left)
		max = MAX(max, left->max_gap);
	if (right)
		max = MAX(max, right->max_gap);
	v->max_gap = max;
}

static void augment_up(struct vma *v)
{
	for (; v; v = RB_PARENT(v, link))
		vma_augment(v);
}

static u64 guard_of(const struct vma *v)
{
	return v->flags & VMA_GROWSDOWN ? MM_STACK_GAP : 0;
}

/* Updates v's gap after a change of v's start or of the VMA before v. v may be NULL. */
static void update_gap(struct vma *v)
{
	struct vma *prev;
	u64 space;

	if (!v)
		return;
	prev = vma_prev(v);
	space = v->start - (prev ? prev->end : 0);
	v->gap = space > guard_of(v) ? space - guard_of(v) : 0;
	augment_up(v);
}

struct vma *vma_find(struct mm *mm, u64 addr)
{
	struct vma *v = RB_ROOT(&mm->vmas), *found = NULL;

	while (v) {
		if (v->end > addr) {
			found = v;
			if (v->start <= addr)
				break;
			v = RB_LEFT(v, link);
		} else {
			v = RB_RIGHT(v, link);
		}
	}
	return found;
}

struct vma *vma_first(struct mm *mm)
{
	return RB_MIN(vma_tree, &mm->vmas);
}

struct vma *vma_next(struct vma *v)
{
	return RB_NEXT(vma_tree, NULL, v);
}

struct vma *vma_prev(struct vma *v)
{
	return RB_PREV(vma_tree, NULL, v);
}

static void count(struct mm *mm, const struct vma *v, u64 pages)
{
	if (vma_traits(v) & VM_MANAGED)
		return;
	mm->total_pages += pages;
	mm->total_peak = MAX(mm->total_peak, mm->total_pages);
}

void vma_insert(struct mm *mm, struct vma *v)
{
	struct vma *prev, *next;

	KASSERT(v->start < v->end);
	v->gap = v->max_gap = 0;
	KASSERT(!RB_INSERT(vma_tree, &mm->vmas, v));
	prev = vma_prev(v);
	next = vma_next(v);
	KASSERT(!prev || prev->end <= v->start);
	KASSERT(!next || next->start >= v->end);
	update_gap(v);
	update_gap(next);
	mm->vma_count++;
	count(mm, v, (v->end - v->start) >> PAGE_SHIFT);
}

void vma_remove(struct mm *mm, struct vma *v)
{
	struct vma *next = vma_next(v);
	struct vma *lowest = RB_PARENT(v, link); /* the lowest node whose subtree changes */

	if (RB_LEFT(v, link) && RB_RIGHT(v, link)) /* next replaces v in the tree */
		lowest = RB_PARENT(next, link) == v ? next : RB_PARENT(next, link);
	RB_REMOVE(vma_tree, &mm->vmas, v);
	augment_up(lowest);
	update_gap(next);
	mm->vma_count--;
	count(mm, v, -((v->end - v->start) >> PAGE_SHIFT));
}

void vma_resize(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	struct vma *prev = vma_prev(v), *next = vma_next(v);

	KASSERT(start < end);
	KASSERT(!prev || prev->end <= start);
	KASSERT(!next || next->start >= end);
	count(mm, v, ((end - start) >> PAGE_SHIFT) - ((v->end - v->start) >> PAGE_SHIFT));
	v->start = start;
	v->end = end;
	update_gap(v);
	update_gap(next);
}

struct vma *vma_dup(const struct vma *v)
{
	struct vma *copy = kmalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *v;
	backing_get(copy->backing);
	return copy;
}

void vma_free(struct vma *v)
{
	backing_put(v->backing);
	kfree(v);
}

/* Moves a VMA's start; each address keeps its byte of the backing. */
static void advance(struct vma *v, u64 start)
{
	if (v->backing)
		v->offset += start - v->start;
	v->start = start;
}

int vma_split(struct mm *mm, struct vma *v, u64 addr)
{
	struct vma *high;

	KASSERT(v->start < addr && addr < v->end && IS_ALIGNED(addr, PAGE_SIZE));
	if (mm->vma_count >= MM_MAP_COUNT_MAX)
		return -ENOMEM;
	high = vma_dup(v);
	if (!high)
		return -ENOMEM;
	advance(high, addr);
	high->next_fault = 0;
	vma_resize(mm, v, v->start, addr);
	vma_insert(mm, high);
	return 0;
}

static bool continues(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot && a->max_prot == b->max_prot &&
	       a->flags == b->flags && a->backing == b->backing && !(vma_traits(a) & VM_SEPARATE) &&
	       (!a->backing || a->offset + (a->end - a->start) == b->offset);
}

/* b becomes part of a. */
static void absorb(struct mm *mm, struct vma *a, struct vma *b)
{
	u64 end = b->end;

	vma_remove(mm, b);
	vma_resize(mm, a, a->start, end);
	vma_free(b);
}

struct vma *vma_merge(struct mm *mm, struct vma *v)
{
	struct vma *prev = vma_prev(v), *next = vma_next(v);

	if (next && continues(v, next))
		absorb(mm, v, next);
	if (prev && continues(prev, v)) {
		absorb(mm, prev, v);
		v = prev;
	}
	return v;
}

/* Returns the highest or lowest aligned address at which len bytes fit into [low, high), or 0. */
static u64 fit(u64 low, u64 high, u64 len, u64 align, bool down)
{
	u64 addr;

	if (low >= high || high - low < len)
		return 0;
	addr = down ? ALIGN_DOWN(high - len, align) : ALIGN_UP(low, align);
	return addr >= low && addr + len <= high ? addr : 0;
}

struct gap_request {
	u64 low, high, len, align;
	bool down;
};

/* Searches the gaps below the VMAs of a subtree. Recursion is as deep as the subtree is high. */
static u64 search(struct vma *v, const struct gap_request *r)
{
	u64 gap_end, gap_start, addr;
	struct vma *first, *last;

	if (!v || v->max_gap < r->len)
		return 0;
	gap_end = v->start - MIN(guard_of(v), v->start);
	gap_start = gap_end - v->gap;
	/* Gaps in the left subtree end below v->start; gaps in the right one begin at v->end. */
	first = v->start > r->low ? RB_LEFT(v, link) : NULL;
	last = v->end < r->high ? RB_RIGHT(v, link) : NULL;

	addr = search(r->down ? last : first, r);
	if (!addr)
		addr = fit(MAX(gap_start, r->low), MIN(gap_end, r->high), r->len, r->align,
			   r->down);
	if (!addr)
		addr = search(r->down ? first : last, r);
	return addr;
}

/* The gap above the last VMA. */
static u64 search_top(struct mm *mm, const struct gap_request *r)
{
	struct vma *last = RB_MAX(vma_tree, &mm->vmas);

	return fit(MAX(last ? last->end : 0, r->low), r->high, r->len, r->align, r->down);
}

u64 vma_gap_down(struct mm *mm, u64 low, u64 high, u64 len, u64 align)
{
	const struct gap_request r = {low, high, len, align, true};
	u64 addr = search_top(mm, &r);

	return addr ? addr : search(RB_ROOT(&mm->vmas), &r);
}

u64 vma_gap_up(struct mm *mm, u64 low, u64 high, u64 len, u64 align)
{
	const struct gap_request r = {low, high, len, align, false};
	u64 addr = search(RB_ROOT(&mm->vmas), &r);

	return addr ? addr : search_top(mm, &r);
}
