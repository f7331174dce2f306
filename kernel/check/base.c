// SPDX-License-Identifier: MIT
/*
 * The kernel's side of base slots and aliases. The kernel reads the library's tables through the
 * page tables, an entry at a time, and checks every number in them, because the program may have
 * written them.
 *
 * An alias is a page-table entry that leads to the frame of its slot's page and holds a reference
 * to it. Copy-on-write would separate the two, so fork(2) copies the frames of the base area at
 * once in an address space that has aliases.
 */
#include <linux/mman.h>
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/pagetable.h"

#define TABLE_BATCH 16	 /* pages, of the base area and the tables */
#define EAGER_FORK  2048 /* pages of the page area that a child gets copies of at once */

/* Reads an entry of a table. No entry crosses a page. */
static bool read_entry(struct mm *mm, u64 addr, void *to, u64 size)
{
	const u8 *p = chk_look(mm, addr);

	if (p)
		memcpy(to, p, size);
	return p;
}

static bool read_span_entry(struct mm *mm, u64 number, struct chk_span *s)
{
	return number < mm->check->heap->spans &&
	       read_entry(mm, CHK_SPAN_TABLE + number * sizeof(*s), s, sizeof(*s));
}

/* Reads a span. Returns false if its description is not valid. */
static bool read_span(struct mm *mm, u64 number, struct chk_span *s)
{
	return read_span_entry(mm, number, s) && s->size >= 16 && s->size <= CHK_SLOT_MAX &&
	       s->slots <= MAX(CHK_SPAN_SIZE / s->size, 1) &&
	       (!s->per_page || s->per_page == PAGE_SIZE / s->size);
}

/*
 * Returns the first span of the run that a span belongs to, or the span itself if it is in no run.
 */
static u64 run_of(struct mm *mm, u64 number)
{
	struct chk_span s;

	if (!read_span_entry(mm, number, &s) || s.size || s.slots >= CHK_SLOT_MAX / CHK_SPAN_SIZE)
		return number;
	return number - MIN(s.slots, number);
}

static u64 slot_entry(u64 number, u32 slot)
{
	return CHK_SLOT_TABLE + (number * CHK_SPAN_SLOTS + slot) * sizeof(struct chk_slot);
}

static bool in_base(u64 addr)
{
	return addr - CHK_BASE_AREA < CHK_BASE_SIZE;
}

static bool in_aliases(u64 addr)
{
	return addr - CHK_ALIAS_AREA < CHK_ALIAS_SIZE;
}

static u64 alias_page(u64 n)
{
	return CHK_ALIAS_AREA + (n << PAGE_SHIFT);
}

static u64 alias_number(u64 addr)
{
	return (addr - CHK_ALIAS_AREA) >> PAGE_SHIFT;
}

/* Returns the slot of span number that contains addr, or -1 if none does. */
static s64 slot_number(const struct chk_span *s, u64 number, u64 addr)
{
	u64 at = addr - (CHK_BASE_AREA + (number << CHK_SPAN_SHIFT)), first = 0, n;

	if (s->per_page) {
		first = (at >> PAGE_SHIFT) * s->per_page;
		at &= PAGE_MASK;
	}
	n = at / s->size;
	return (s->per_page && n >= s->per_page) || first + n >= s->slots ? -1 : (s64)(first + n);
}

/* Reads the slot that contains addr, and its span; stores the address of the slot in *at. */
static bool read_slot(struct mm *mm, u64 addr, u64 *at, struct chk_span *s, struct chk_slot *slot)
{
	u64 number = (addr - CHK_BASE_AREA) >> CHK_SPAN_SHIFT;
	s64 n;

	if (!in_base(addr))
		return false;
	number = run_of(mm, number);
	if (!read_span(mm, number, s))
		return false;
	n = slot_number(s, number, addr);
	if (n < 0 || !read_entry(mm, slot_entry(number, (u32)n), slot, sizeof(*slot)))
		return false;
	*at = chk_slot_addr(s, number, (u32)n);
	return slot->slack <= s->size;
}

/* Returns the function in a byte made by CHK_FN, which the program may have overwritten. */
static u32 function_of(u8 fn)
{
	u32 function = fn & CHK_FN_MASK;

	return function < CHK_FUNCTIONS ? function : CHK_FN_NONE;
}

static void from_slot(u64 start, const struct chk_span *s, const struct chk_slot *slot,
		      struct chk_object *obj)
{
	bool live = slot->state == CHK_SLOT_LIVE || slot->state == CHK_SLOT_ALIASED ||
		    slot->state == CHK_SLOT_EDGE;
	bool filled = slot->state == CHK_SLOT_FILLED;

	*obj = (struct chk_object){
		.o = {.start = start,
		      .size = s->size - slot->slack,
		      .state = live ? CHK_STATE_LIVE : CHK_STATE_FREED,
		      .level = in_base(start) ? CHK_LEVEL_NONE : CHK_LEVEL_ALIAS,
		      .alloc_fn = function_of(slot->fn),
		      .align_code = slot->fn / (CHK_FN_MASK + 1),
		      .alloc_tid = filled ? 0 : slot->tid,
		      .alloc_seq = live ? slot->seq : 0},
		.alloc_stack = slot->stack,
		.free_stack = filled ? (u32)slot->tid : 0,
		.slot = CHK_NO_SLOT,
		.low = start,
		.high = start + s->size - slot->slack + MIN(slot->slack, CHK_CANARY_MAX),
	};
}

/* Makes an object that begins at a slot's start one that ends at the end of its page. */
static void move_to_edge(struct mm *mm, struct chk_object *obj)
{
	u64 page = obj->o.start, offset;

	if (!chk_fits_edge(obj->o.size))
		return;
	offset = chk_edge_offset(obj->o.size, mm->check->heap->config.align);
	obj->o.start = page + offset;
	obj->low = page + offset - MIN(offset, CHK_EDGE_FRONT);
	obj->high = page + PAGE_SIZE;
}

/* Finds the object to which page n of the alias area belongs. */
static bool alias_object(struct mm *mm, u64 n, struct chk_object *obj)
{
	const struct chk_record *r = records_of(&mm->check->heap->aliases, n, &n);
	struct chk_span s;
	struct chk_slot slot;
	u64 base, at;

	if (!r)
		return false;
	if (r->state != CHK_STATE_LIVE) {
		chk_record_object(r, alias_page(n), obj);
		obj->o.level = CHK_LEVEL_ALIAS;
		return true;
	}
	if (!read_entry(mm, CHK_ALIAS_TABLE + n * sizeof(base), &base, sizeof(base)) ||
	    !read_slot(mm, base, &at, &s, &slot) || at != base || slot.state < CHK_SLOT_ALIASED ||
	    slot.state > CHK_SLOT_EDGE_PENDING)
		return false;
	from_slot(alias_page(n) + (base & PAGE_MASK), &s, &slot, obj);
	if (slot.state == CHK_SLOT_EDGE || slot.state == CHK_SLOT_EDGE_PENDING)
		move_to_edge(mm, obj);
	return true;
}

bool base_object_of(struct mm *mm, u64 addr, struct chk_object *obj)
{
	struct chk_span s;
	struct chk_slot slot;
	u64 at;

	if (in_aliases(addr))
		return alias_object(mm, alias_number(addr), obj);
	if (!read_slot(mm, addr, &at, &s, &slot))
		return false;
	/*
	 * An object with an alias is not at its slot; a slot that was never used has no function.
	 */
	if ((slot.state != CHK_SLOT_LIVE && slot.state != CHK_SLOT_FREE &&
	     slot.state != CHK_SLOT_FILLED) ||
	    !slot.fn)
		return false;
	from_slot(at, &s, &slot, obj);
	return true;
}

/* Returns the first slot of span number that may end behind addr. */
static u32 first_slot(const struct chk_span *s, u64 number, u64 addr)
{
	u64 start = CHK_BASE_AREA + (number << CHK_SPAN_SHIFT), at = addr - start;

	if (addr <= start)
		return 0;
	if (!s->per_page)
		return (u32)MIN(at / s->size, s->slots);
	return (u32)MIN((at >> PAGE_SHIFT) * s->per_page +
				MIN((at & PAGE_MASK) / s->size, s->per_page),
			s->slots);
}

/* Finds the next object at level none that ends behind addr. */
static bool next_in_spans(struct mm *mm, u64 addr, bool live, struct chk_object *obj)
{
	u64 number = run_of(mm, (addr - CHK_BASE_AREA) >> CHK_SPAN_SHIFT);

	for (; number < mm->check->heap->spans; number++) {
		struct chk_span s;

		if (!read_span(mm, number, &s))
			continue;
		for (u32 n = first_slot(&s, number, addr); n < MIN(s.slots, s.fresh); n++) {
			u64 at = chk_slot_addr(&s, number, n);

			if (at + s.size > addr && base_object_of(mm, at, obj) &&
			    obj->o.start + MAX(obj->o.size, 1) > addr &&
			    (!live || obj->o.state == CHK_STATE_LIVE))
				return true;
		}
	}
	return false;
}

bool base_object_next(struct mm *mm, u64 addr, bool live, struct chk_object *obj)
{
	struct chk_records *r = &mm->check->heap->aliases;
	u64 n;

	addr = MAX(addr, CHK_BASE_AREA);
	if (in_base(addr) && next_in_spans(mm, addr, live, obj))
		return true;
	addr = MAX(addr, CHK_ALIAS_AREA);
	/* Begin with the object that reaches into the page, else with the page itself. */
	if (!records_of(r, alias_number(addr), &n))
		n = alias_number(addr);
	for (; (n = records_next(r, n, live)) < r->slots; n++)
		if (alias_object(mm, n, obj) && obj->o.start + MAX(obj->o.size, 1) > addr &&
		    (!live || obj->o.state == CHK_STATE_LIVE))
			return true;
	return false;
}

int base_populate(struct mm *mm, u64 page)
{
	u64 end = page + TABLE_BATCH * PAGE_SIZE, number, *entry, gpa;
	struct chk_span s;

	if (page >= CHK_ALIAS_AREA)
		return -EFAULT;
	if (in_base(page)) {
		end = MIN(end, CHK_BASE_AREA + (mm->check->heap->spans << CHK_SPAN_SHIFT));
		if (page >= end)
			return -EFAULT;
	}
	/* The table has space for the most slots of a span; populate only what this span uses. */
	if (page >= CHK_SLOT_TABLE && page < CHK_SPAN_TABLE) {
		number = (page - CHK_SLOT_TABLE) / (CHK_SPAN_SLOTS * sizeof(struct chk_slot));
		if (read_span(mm, number, &s))
			end = MIN(end, MAX(page + 1, slot_entry(number, s.slots)));
	}
	end = MIN(end, ALIGN_DOWN(page, HUGE_SIZE) + HUGE_SIZE);
	entry = pt_alloc(mm, page);
	if (!entry)
		return -ENOMEM;
	for (u64 at = page; at < end; at += PAGE_SIZE, entry++) {
		if (*entry)
			continue;
		gpa = frame_alloc(0, FRAME_ZERO);
		if (!gpa)
			return at == page ? -ENOMEM : 0;
		pt_set(mm, entry, arch_pte(gpa, PROT_READ | PROT_WRITE, false) | PTE_OWNED);
	}
	return 0;
}

s64 base_grow(struct mm *mm, u64 count)
{
	struct chk_heap *h = mm->check->heap;
	u64 pages = count * (CHK_SPAN_SIZE / PAGE_SIZE);

	if (count > CHK_SPANS - h->spans || !mm_may_expand(mm, pages, true))
		return -ENOMEM;
	mm->total_pages += pages;
	mm->total_peak = MAX(mm->total_peak, mm->total_pages);
	h->spans += count;
	return (s64)(h->spans - count);
}

int base_shrink(struct mm *mm, u64 number)
{
	struct chk_heap *h = mm->check->heap;
	u64 start = CHK_BASE_AREA + (number << CHK_SPAN_SHIFT);

	if (number >= h->spans || h->spans_back == h->spans)
		return -EINVAL;
	pt_unmap(mm, start, start + CHK_SPAN_SIZE, start, start);
	h->spans_back++;
	mm->total_pages -= CHK_SPAN_SIZE / PAGE_SIZE;
	return 0;
}

static u64 alias_pte(u64 gpa)
{
	return arch_pte(gpa, PROT_READ | PROT_WRITE, false) | PTE_OWNED | PTE_ALIAS;
}

/* Writes the page-table entries of an alias, which lead to the slot's frames. */
static int add_alias(struct mm *mm, u64 page, u64 slot, u32 pages)
{
	u64 from = ALIGN_DOWN(slot, PAGE_SIZE);

	for (; pages--; from += PAGE_SIZE, page += PAGE_SIZE) {
		const u8 *frame = in_base(from) ? chk_touch(mm, from) : NULL;
		u64 *entry = frame ? pt_alloc(mm, page) : NULL, gpa;

		if (!entry)
			return -ENOMEM;
		gpa = virt_to_phys(frame);
		frame_get(gpa);
		pt_set(mm, entry, alias_pte(gpa));
	}
	return 0;
}

/* Unmaps a leaf's addresses, where only scratch pages are left, and frees their page table. */
static void unmap_leaf(struct mm *mm, u64 n)
{
	u64 page = alias_page(n);

	pt_unmap(mm, page, page + CHK_LEAF_SLOTS * PAGE_SIZE, page,
		 page + CHK_LEAF_SLOTS * PAGE_SIZE);
}

/* Frees the page of the alias table that describes a leaf. */
static void unmap_table(struct mm *mm, u64 n)
{
	u64 table = CHK_ALIAS_TABLE + n * sizeof(u64);

	pt_unmap(mm, table, table + CHK_LEAF_SLOTS * sizeof(u64), table, table);
}

/* Returns whether the library has cleared all of a leaf's entries in the alias table. */
static bool table_is_clear(struct mm *mm, u64 n)
{
	const u64 *entry = (const u64 *)chk_look(mm, CHK_ALIAS_TABLE + n * sizeof(u64));

	for (u32 i = 0; entry && i < CHK_LEAF_SLOTS; i++)
		if (READ_ONCE(entry[i]))
			return false;
	return entry;
}

/*
 * Frees what leaves that have ended do not need any more, and retires the oldest leaf if one is
 * due. The library clears its entries of the alias table after CHK_CALL_UNALIAS, and they stay
 * clear then. So the page of a leaf's entries goes when the next leaf ends, or else with the leaf.
 */
static void retire(struct mm *mm)
{
	struct chk_heap *h = mm->check->heap;
	struct chk_records *r = &h->aliases;
	u64 n;

	while ((n = records_ended(r)) < r->slots) {
		unmap_leaf(mm, n);
		if (h->ended && table_is_clear(mm, h->ended - 1))
			unmap_table(mm, h->ended - 1);
		h->ended = n + 1;
	}
	chk_limit_records(mm, r);
	n = records_excess(r);
	if (n == r->slots)
		return;
	unmap_leaf(mm, n);
	unmap_table(mm, n);
	records_drop(r, n);
}

s64 base_alias(struct mm *mm, const u64 *slot, u32 count, bool gap)
{
	struct chk_heap *h = mm->check->heap;
	u8 pages[CHK_ALIAS_BATCH] = {0};
	u32 sum = 0;
	int err = 0;
	u64 n;

	for (u32 i = 0; i < count; i++) {
		struct chk_span s;

		if (!in_base(slot[i]) ||
		    !read_span(mm, (slot[i] - CHK_BASE_AREA) >> CHK_SPAN_SHIFT, &s) ||
		    s.size > CHK_PACKED_MAX)
			return -EINVAL;
		pages[i] = (u8)(chk_slot_pages(slot[i], s.size) + gap);
		sum += pages[i];
	}
	if (sum > CHK_LEAF_SLOTS)
		return -EINVAL;
	if (!records_add_run(&h->aliases, pages, count, &n))
		return -ENOMEM;
	retire(mm);
	for (u32 i = 0; !err && i < count; n += pages[i++])
		err = add_alias(mm, alias_page(n), slot[i], pages[i] - gap);
	/* After an error the addresses stay unused: no page, or pages of slots that nobody uses. */
	return err ? err : (s64)alias_page(n - sum);
}

void base_gone(struct mm *mm, struct chk_gone *gone)
{
	pt_flush_now(mm, &gone->flush);
	gone->flush = (struct pt_flush)PT_FLUSH_INIT;
	mm->check->heap->sum.flushes++;
	while (gone->count)
		frame_put(gone->frame[--gone->count]);
}

static void clear_alias(struct mm *mm, u64 page, struct chk_gone *gone)
{
	struct pt_leaf leaf;

	if (!pt_find(mm, page, &leaf))
		return;
	if (gone->count == ARRAY_SIZE(gone->frame))
		base_gone(mm, gone);
	gone->frame[gone->count++] = pt_gpa(*leaf.entry);
	pt_set(mm, leaf.entry, 0);
	pt_flush_add(&gone->flush, page, page + PAGE_SIZE);
}

void base_unalias(struct mm *mm, const struct chk_dead *dead, u32 count, struct chk_gone *gone)
{
	struct chk_heap *h = mm->check->heap;

	for (u32 i = 0; i < count; i++) {
		const struct chk_dead *d = &dead[i];
		u64 n = alias_number(d->alias);
		struct chk_object obj;
		struct chk_record *r;
		u32 pages;

		if (!in_aliases(d->alias) || !records_at(&h->aliases, n) ||
		    records_at(&h->aliases, n)->state != CHK_STATE_LIVE ||
		    !alias_object(mm, n, &obj))
			continue;
		r = records_own(&h->aliases, n);
		if (!r)
			continue;
		pages = r->slots;
		*r = (struct chk_record){
			.size = (u32)obj.o.size,
			.offset = obj.o.start & PAGE_MASK,
			.state = d->moved ? CHK_STATE_REALLOCATED : CHK_STATE_FREED,
			.alloc_fn = obj.o.alloc_fn,
			.align_code = obj.o.align_code,
			.free_fn = function_of(d->fn),
			.slots = pages,
			.alloc_stack = obj.alloc_stack,
			.free_stack = d->stack,
			.alloc_tid = obj.o.alloc_tid,
			.free_tid = d->tid,
			.alloc_seq = (u32)obj.o.alloc_seq,
			.free_seq = d->seq,
		};
		for (u32 p = 0; p < pages; p++)
			clear_alias(mm, alias_page(n + p), gone);
		records_died(&h->aliases, n);
		retire(mm);
	}
}

/*
 * Returns the address of the first byte of a released object in a slot that the program has
 * overwritten, or 0.
 */
static u64 overwritten(struct mm *mm, const struct chk_object *obj)
{
	u64 at = obj->o.start, end = at + MIN(obj->o.size, (u64)CHK_FILL_MAX);

	while (at < end) {
		u64 stop = MIN(end, ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE);
		const u8 *p = chk_look(mm, at);

		for (; p && at < stop; at++, p++)
			if (*p != CHK_FREED)
				return at;
		at = stop;
	}
	return 0;
}

bool base_next_overwritten(struct mm *mm, u64 *addr, struct chk_object *obj, u64 *damage)
{
	u64 number = run_of(mm, (*addr - CHK_BASE_AREA) >> CHK_SPAN_SHIFT);

	for (; number < mm->check->heap->spans; number++) {
		struct chk_span s;

		if (!read_span(mm, number, &s))
			continue;
		for (u32 n = first_slot(&s, number, *addr); n < MIN(s.slots, s.fresh); n++) {
			u64 at = chk_slot_addr(&s, number, n);
			struct chk_slot slot;

			if (at < *addr ||
			    !read_entry(mm, slot_entry(number, n), &slot, sizeof(slot)) ||
			    slot.state != CHK_SLOT_FILLED || slot.slack > s.size)
				continue;
			from_slot(at, &s, &slot, obj);
			*damage = overwritten(mm, obj);
			*addr = at + s.size;
			if (*damage)
				return true;
		}
	}
	return false;
}

/* -- fork -------------------------------------------------------------------------------------- */

/* Copies all pages of v to the child, which shares none of the frames. */
static int copy_pages(struct mm *child, struct mm *mm, const struct vma *v)
{
	struct pt_leaf leaf;

	for (u64 va = v->start; pt_next(mm, va, v->end, &leaf); va = leaf.va + leaf.size) {
		u64 *entry = pt_alloc(child, leaf.va);
		u64 gpa = entry ? frame_alloc(0, 0) : 0;

		if (!gpa)
			return -ENOMEM;
		memcpy(phys_to_virt(gpa), phys_to_virt(pt_gpa(*leaf.entry)), PAGE_SIZE);
		pt_set(child, entry, pt_value(v, gpa, PTE_OWNED));
	}
	return 0;
}

/*
 * Returns a reference to the frame for an alias in the child: the frame of its slot, which the
 * child has already. After an mprotect(2) by the program the parent's alias may show another frame
 * than its slot; then the child's alias gets a copy of that frame. Returns 0 without memory.
 */
static u64 child_frame(struct mm *child, struct mm *mm, u64 base, u64 gpa)
{
	struct pt_leaf own;

	if (pt_find(mm, base, &own) && pt_gpa(*own.entry) == gpa) {
		gpa = pt_find(child, base, &own) ? pt_gpa(*own.entry) : 0;
		if (gpa)
			frame_get(gpa);
		return gpa;
	}
	base = frame_alloc(0, 0);
	if (base)
		memcpy(phys_to_virt(base), phys_to_virt(gpa), PAGE_SIZE);
	return base;
}

static int copy_aliases(struct mm *child, struct mm *mm, const struct vma *v)
{
	bool changed = v->prot != (PROT_READ | PROT_WRITE);
	struct pt_leaf leaf;

	for (u64 va = v->start; pt_next(mm, va, v->end, &leaf); va = leaf.va + leaf.size) {
		u64 n = alias_number(leaf.va), first, base, *entry, gpa;

		if (!records_of(&mm->check->heap->aliases, n, &first) ||
		    !read_entry(mm, CHK_ALIAS_TABLE + first * sizeof(base), &base, sizeof(base)) ||
		    !in_base(base))
			continue;
		base = ALIGN_DOWN(base, PAGE_SIZE) + ((n - first) << PAGE_SHIFT);
		entry = pt_alloc(child, leaf.va);
		gpa = entry ? child_frame(child, mm, base, pt_gpa(*leaf.entry)) : 0;
		if (!gpa)
			return -ENOMEM;
		pt_set(child, entry, changed ? pt_value(v, gpa, PTE_OWNED) : alias_pte(gpa));
	}
	return 0;
}

int chk_copy_vma(struct mm *child, struct mm *mm, const struct vma *v, struct pt_flush *flush)
{
	const struct chk_heap *h = mm->check->heap;

	if (v->start >= CHK_ALIAS_AREA)
		return copy_aliases(child, mm, v);
	if (in_base(v->start) && h->aliases.leaf != h->aliases.slots)
		return copy_pages(child, mm, v);
	/* Copying a few pages costs less than the faults that both sides would take later. */
	if (v->start == CHK_PAGE_AREA && h->pages <= EAGER_FORK)
		return copy_pages(child, mm, v);
	return pt_copy(child, mm, v, flush);
}
