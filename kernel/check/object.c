// SPDX-License-Identifier: MIT
/*
 * Makes, ends and finds objects, and chooses the file that handles the area of each: record.c and
 * range.c, large.c, or base.c.
 */
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/pagetable.h"

#define EAGER_PAGES 8 /* an object of at most 8 pages gets all its frames when it is made */

static u64 slot_addr(u64 slot)
{
	return CHK_PAGE_AREA + (slot << CHK_SLOT_SHIFT);
}

static bool in_page_area(u64 addr)
{
	return addr - CHK_PAGE_AREA < CHK_PAGE_AREA_SIZE;
}

static u64 addr_slot(u64 addr)
{
	return (addr - CHK_PAGE_AREA) >> CHK_SLOT_SHIFT;
}

void chk_record_object(const struct chk_record *r, u64 slot_addr, struct chk_object *obj)
{
	*obj = (struct chk_object){
		.o = {.start = slot_addr + r->offset,
		      .size = r->size,
		      .state = r->state,
		      .level = CHK_LEVEL_PAGE,
		      .alloc_fn = r->alloc_fn,
		      .align_code = r->align_code,
		      .free_fn = r->free_fn,
		      .alloc_tid = r->alloc_tid,
		      .free_tid = r->free_tid,
		      .alloc_seq = r->alloc_seq,
		      .free_seq = r->free_seq},
		.alloc_stack = r->alloc_stack,
		.free_stack = r->free_stack,
		.slot = CHK_NO_SLOT,
	};
}

/* Fills in where canaries are around an object that has its pages for itself. */
static void page_canaries(struct chk_object *obj)
{
	u64 start = obj->o.start, end = start + obj->o.size;

	obj->low = start - MIN(CHK_CANARY_FRONT, start & PAGE_MASK);
	obj->high = ALIGN_UP(end, PAGE_SIZE);
	if (!obj->o.size)
		obj->low = obj->high = start;
}

static void from_record(const struct chk_record *r, u64 slot, struct chk_object *obj)
{
	chk_record_object(r, slot_addr(slot), obj);
	obj->slot = slot;
	page_canaries(obj);
}

static void from_large(struct chk_large *l, struct chk_object *obj)
{
	*obj = (struct chk_object){
		.o = {.start = l->object,
		      .size = l->size,
		      .state = l->state,
		      .level = CHK_LEVEL_PAGE,
		      .alloc_fn = l->alloc_fn,
		      .align_code = l->align_code,
		      .free_fn = l->free_fn,
		      .alloc_tid = l->alloc_tid,
		      .free_tid = l->free_tid,
		      .alloc_seq = l->alloc_seq,
		      .free_seq = l->free_seq},
		.alloc_stack = l->alloc_stack,
		.free_stack = l->free_stack,
		.slot = CHK_NO_SLOT,
		.large = l,
	};
	page_canaries(obj);
}

/* Returns the offset in its first page at which an object begins. guard: of struct chk_caller. */
static u64 first_offset(const struct check_config *c, u64 size, u64 align, u32 guard)
{
	u64 space;

	guard = guard ? guard : c->guard;
	if (align >= PAGE_SIZE || guard == CHK_GUARD_BEFORE)
		return 0;
	space = ALIGN_UP(MAX(size, 1), align);
	return ALIGN_UP(space, PAGE_SIZE) - space;
}

static u64 pages_of(const struct check_object *o)
{
	u64 first = ALIGN_DOWN(o->start, PAGE_SIZE);

	return o->size ? (ALIGN_UP(o->start + o->size, PAGE_SIZE) - first) >> PAGE_SHIFT : 0;
}

/* Unmaps a leaf's addresses, where only scratch pages are left, and frees their page tables. */
static void unmap_leaf(struct mm *mm, u64 slot)
{
	u64 start = slot_addr(slot);

	pt_unmap(mm, start, start + CHK_LEAF_SIZE, start, start + CHK_LEAF_SIZE);
}

/* Frees the page tables of leaves that have ended, and retires the oldest one if one is due. */
static void retire(struct mm *mm)
{
	struct chk_records *r = &mm->check->heap->records;
	u64 slot;

	while ((slot = records_ended(r)) < r->slots)
		unmap_leaf(mm, slot);
	chk_limit_records(mm, r);
	slot = records_excess(r);
	if (slot == r->slots)
		return;
	unmap_leaf(mm, slot);
	records_drop(r, slot);
}

static s64 make_small(struct mm *mm, u64 size, u64 align, const struct chk_caller *by)
{
	struct chk_heap *h = mm->check->heap;
	u64 offset = first_offset(&h->config, size, align, by->guard);
	u64 pages = ALIGN_UP(offset + MAX(size, 1), PAGE_SIZE) >> PAGE_SHIFT, slot;
	/* One guard page more, rounded up to slots of two pages. */
	u32 slots = (u32)((pages + 1 + 1) / 2);
	u32 align_slots = align > CHK_SLOT_SIZE ? (u32)(align >> CHK_SLOT_SHIFT) : 1;
	struct chk_record *r;
	struct chk_object obj;
	u64 first, mapped = size ? pages : 0;

	if (!mm_may_expand(mm, pages, true))
		return -ENOMEM;
	r = records_add(&h->records, slots, align_slots, &slot);
	if (!r)
		return -ENOMEM;
	r->size = size;
	r->offset = offset;
	r->alloc_fn = by->fn;
	r->align_code = by->align_code;
	r->alloc_stack = by->stack;
	r->alloc_tid = by->tid;
	r->alloc_seq = (u32)chk_operation(h);
	from_record(r, slot, &obj);
	first = slot_addr(slot);
	for (u64 i = 0; i < mapped; i++) {
		/* All pages; of an object with many only the first and the last, with canaries. */
		if (mapped > EAGER_PAGES && i && i != mapped - 1)
			continue;
		if (range_populate(mm, &obj, first + i * PAGE_SIZE) < 0) {
			pt_unmap(mm, first, first + mapped * PAGE_SIZE, first, first);
			r->state = CHK_STATE_FREED;
			records_died(&h->records, slot);
			retire(mm);
			return -ENOMEM;
		}
	}
	mm->total_pages += mapped;
	mm->total_peak = MAX(mm->total_peak, mm->total_pages);
	h->pages += mapped;
	retire(mm);
	return (s64)obj.o.start;
}

static s64 make_large(struct mm *mm, u64 size, u64 align, const struct chk_caller *by)
{
	struct chk_heap *h = mm->check->heap;
	s64 err;
	struct chk_large *l = large_make(mm, size, align, &err);

	if (!l)
		return err;
	l->size = size;
	l->object = l->start + first_offset(&h->config, size, align, by->guard);
	l->state = CHK_STATE_LIVE;
	l->alloc_fn = by->fn;
	l->align_code = by->align_code;
	l->alloc_stack = by->stack;
	l->alloc_tid = by->tid;
	l->alloc_seq = chk_operation(h);
	return (s64)l->object;
}

u8 *chk_look(struct mm *mm, u64 addr)
{
	struct pt_leaf leaf;

	if (!pt_find(mm, addr, &leaf) || !(*leaf.entry & PTE_P))
		return NULL;
	return (u8 *)phys_to_virt(pt_gpa(*leaf.entry)) + (addr - leaf.va);
}

u8 *chk_touch(struct mm *mm, u64 addr)
{
	struct mm_fault_info info;
	struct pt_leaf leaf;

	while (!pt_find(mm, addr, &leaf) || !(*leaf.entry & PTE_P) || !(*leaf.entry & PTE_W))
		if (mm_fault_locked(mm, addr, MM_WRITE, &info) < 0)
			return NULL;
	return (u8 *)phys_to_virt(pt_gpa(*leaf.entry)) + (addr - leaf.va);
}

s64 chk_make(struct mm *mm, u64 size, u64 align, const struct chk_caller *by)
{
	struct chk_heap *h = mm->check->heap;
	bool small = size <= CHK_SMALL_MAX && align <= CHK_LEAF_SIZE / 2;
	struct chk_object obj;
	s64 addr = small ? make_small(mm, size, align, by) : make_large(mm, size, align, by);
	u64 last;

	if (addr < 0)
		return addr;
	if (!small && chk_object_at(mm, (u64)addr, &obj)) {
		last = ALIGN_DOWN(obj.o.start + size - 1, PAGE_SIZE);
		if (obj.o.start > obj.large->start && chk_touch(mm, obj.large->start))
			range_fill(&obj, obj.large->start, chk_touch(mm, obj.large->start));
		if (obj.o.start + size < obj.large->end && chk_touch(mm, last))
			range_fill(&obj, last, chk_touch(mm, last));
	}
	h->sum.objects[CHK_LEVEL_PAGE]++;
	h->sum.bytes += size;
	h->sum.live++;
	h->sum.live_bytes += size;
	h->sum.peak_bytes = MAX(h->sum.peak_bytes, h->sum.live_bytes);
	return addr;
}

void chk_unmake(struct mm *mm, const struct chk_object *obj, const struct chk_caller *by,
		enum chk_state state)
{
	struct chk_heap *h = mm->check->heap;
	u64 first = ALIGN_DOWN(obj->o.start, PAGE_SIZE), pages = pages_of(&obj->o);
	u64 seq = chk_operation(h);

	h->sum.live--;
	h->sum.live_bytes -= obj->o.size;
	if (obj->large) {
		struct chk_large *l = obj->large;

		l->state = state;
		l->free_fn = by->fn;
		l->free_stack = by->stack;
		l->free_tid = by->tid;
		l->free_seq = seq;
		large_unmake(mm, l);
	} else {
		struct chk_record *r = records_own(&h->records, obj->slot);

		/* Without memory for a copy of the record the object stays as it is, and leaks. */
		if (!r)
			return;
		r->state = state;
		r->free_fn = by->fn;
		r->free_stack = by->stack;
		r->free_tid = by->tid;
		r->free_seq = (u32)seq;
		if (pages)
			pt_unmap(mm, first, first + pages * PAGE_SIZE, first, first);
		mm->total_pages -= pages;
		h->pages -= pages;
		records_died(&h->records, obj->slot);
		retire(mm);
	}
	h->sum.flushes++;
}

bool chk_object_of(struct mm *mm, u64 addr, struct chk_object *obj)
{
	struct chk_heap *h = mm->check->heap;
	struct chk_large *l;
	u64 slot;

	if (in_page_area(addr)) {
		const struct chk_record *r = records_of(&h->records, addr_slot(addr), &slot);

		if (r)
			from_record(r, slot, obj);
		return r;
	}
	if (addr < CHK_LARGE_AREA)
		return base_object_of(mm, addr, obj);
	l = large_at_or_before(h, addr);
	if (!l || addr >= l->end + PAGE_SIZE)
		return false;
	from_large(l, obj);
	return true;
}

bool chk_object_at(struct mm *mm, u64 addr, struct chk_object *obj)
{
	return chk_range(addr) && chk_object_of(mm, addr, obj) && obj->o.start == addr;
}

bool chk_object_next(struct mm *mm, u64 addr, bool live, struct chk_object *obj)
{
	struct chk_heap *h = mm->check->heap;
	struct chk_large *l;
	u64 slot;

	addr = MAX(addr, CHK_PAGE_AREA);
	if (in_page_area(addr)) {
		/* Begin with the object that reaches into the slot, else with the slot itself. */
		if (!records_of(&h->records, addr_slot(addr), &slot))
			slot = addr_slot(addr);
		while ((slot = records_next(&h->records, slot, live)) < h->records.slots) {
			from_record(records_at(&h->records, slot), slot, obj);
			if (obj->o.start + MAX(obj->o.size, 1) > addr)
				return true;
			slot++;
		}
	}
	if (addr < CHK_LARGE_AREA && base_object_next(mm, addr, live, obj))
		return true;
	l = large_at_or_before(h, addr);
	if (!l || l->object + MAX(l->size, 1) <= addr)
		l = large_after(h, l ? l->start + 1 : addr);
	while (l && live && l->state != CHK_STATE_LIVE)
		l = large_after(h, l->start + 1);
	if (l)
		from_large(l, obj);
	return l;
}

bool chk_object_old(struct mm *mm, u64 addr)
{
	if (addr - CHK_ALIAS_AREA < CHK_ALIAS_SIZE)
		return records_retired(&mm->check->heap->aliases,
				       (addr - CHK_ALIAS_AREA) >> PAGE_SHIFT);
	return in_page_area(addr) && records_retired(&mm->check->heap->records, addr_slot(addr));
}

u32 chk_around(struct mm *mm, const struct chk_object *obj, struct check_object *around)
{
	struct chk_records *r = &mm->check->heap->records;
	struct chk_object near;
	u64 slot = obj->slot, at = obj->o.start;
	u32 n = 0;

	/* Half of the neighbours lie before the object: go back so far, then list forwards. */
	for (u32 i = 0; obj->slot != CHK_NO_SLOT && i < CHK_AROUND / 2; i++) {
		u64 prev = records_prev(r, slot);

		if (prev == r->slots)
			break;
		slot = prev;
		at = slot_addr(slot);
	}
	while (n < CHK_AROUND && chk_object_next(mm, at, false, &near)) {
		at = near.o.start + MAX(near.o.size, 1);
		if (near.o.start != obj->o.start)
			around[n++] = near.o;
	}
	return n;
}

/*
 * Returns the first byte of [at, end) that is not a canary, or 0. Works page by page, because
 * neighbouring pages have frames anywhere in RAM.
 */
static u64 damage_in(struct mm *mm, u64 at, u64 end)
{
	while (at < end) {
		u64 stop = MIN(end, ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE);
		const u8 *p = chk_look(mm, at);

		for (; p && at < stop; at++, p++)
			if (*p != CHK_CANARY)
				return at;
		at = stop;
	}
	return 0;
}

u64 chk_damage(struct mm *mm, const struct chk_object *obj)
{
	u64 damage = damage_in(mm, obj->o.start + obj->o.size, obj->high);

	return damage ? damage : damage_in(mm, obj->low, obj->o.start);
}

void chk_copy(struct mm *mm, u64 to, u64 from, u64 len)
{
	while (len) {
		u64 n = MIN(len, MIN(PAGE_SIZE - (to & PAGE_MASK), PAGE_SIZE - (from & PAGE_MASK)));
		const u8 *src = chk_look(mm, from);
		u8 *dst = src ? chk_touch(mm, to)
			      : NULL; /* fresh pages are zero, as absent ones are */

		if (dst)
			memcpy(dst, src, n);
		to += n;
		from += n;
		len -= n;
	}
}
