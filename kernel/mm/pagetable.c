// SPDX-License-Identifier: MIT
/*
 * Page tables of programs: finding, making, changing and freeing entries (pagetable.h).
 *
 * A change that removes a permission takes effect only after a flush, and a frame or a table may be
 * reused only after that flush. So unmapping can pass twice over its range: the first pass clears
 * the present bits (of leaves, and of tables that will be freed), then comes the flush, and the
 * second pass does the rest. mm.lock hides the state between from all other code.
 */
#include <linux/mman.h>
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/table_page.h"

#define ENTRIES	       512
#define COPIES_AT_ONCE 16 /* most pages of a VMA that fork copies: copied_at_once */
#define TOP	       3  /* level of the PML4; a page table has level 0 */

static u64 span(int level)
{
	return PAGE_SIZE << (9 * level);
}

static unsigned slot(u64 va, int level)
{
	return va >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1);
}

static bool is_leaf(u64 entry, int level)
{
	return level == 0 || (entry & PTE_PS);
}

static u64 *table_at(u64 entry)
{
	return phys_to_virt(entry & PTE_ADDR);
}

static u64 step(u64 va, int level)
{
	return ALIGN_DOWN(va, span(level)) + span(level);
}

bool pt_next(struct mm *mm, u64 va, u64 end, struct pt_leaf *leaf)
{
	while (va < end) {
		u64 *table = phys_to_virt(mm->pml4);
		int level = TOP;

		for (;;) {
			u64 *e = &table[slot(va, level)];

			/* A VMA without access may lie over the physmap: mm_map_locked. */
			if (!*e || (level == TOP && !arch_user_slot(slot(va, TOP)))) {
				va = step(va, level);
				/* Within a page table the search goes on without a new walk. */
				if (level || va >= end || IS_ALIGNED(va, span(1)))
					break;
				continue;
			}
			if (is_leaf(*e, level)) {
				*leaf = (struct pt_leaf){e, ALIGN_DOWN(va, span(level)),
							 span(level)};
				return true;
			}
			table = table_at(*e);
			level--;
		}
	}
	return false;
}

static u64 table_new(struct mm *mm)
{
	u64 gpa = table_page_alloc(0);

	if (gpa)
		mm->page_tables++;
	return gpa;
}

/* Tells KVM that the page is no table any more (pt_free_page). Overwrites the first two bytes. */
static void unshadow(u64 gpa)
{
	*(volatile u16 *)phys_to_virt(gpa) = 0;
}

void pt_free_page(u64 gpa)
{
	unshadow(gpa);
	table_page_free(gpa);
}

static void table_free(struct mm *mm, u64 gpa)
{
	mm->page_tables--;
	pt_free_page(gpa);
}

/* Replaces a 2 MiB page by 512 pages with the same access. Returns 0 or -ENOMEM. */
static int split(struct mm *mm, u64 *entry)
{
	u64 gpa = table_new(mm), small = *entry & ~PTE_PS, *table = phys_to_virt(gpa);

	if (!gpa)
		return -ENOMEM;
	for (unsigned i = 0; i < ENTRIES; i++)
		table[i] = small + i * PAGE_SIZE;
	WRITE_ONCE(*entry, arch_pte_table(gpa));
	return 0;
}

/* Returns the entry of va at a level. Makes the tables above it, and splits a leaf above it. */
static u64 *alloc_entry(struct mm *mm, u64 va, int level)
{
	u64 *table = phys_to_virt(mm->pml4);

	KASSERT(arch_user_slot(slot(va, TOP)));
	for (int l = TOP; l > level; l--) {
		u64 *e = &table[slot(va, l)];

		if (!*e) {
			u64 gpa = table_new(mm);

			if (!gpa)
				return NULL;
			WRITE_ONCE(*e, arch_pte_table(gpa));
		} else if (is_leaf(*e, l) && split(mm, e) < 0) {
			return NULL;
		}
		table = table_at(*e);
	}
	return &table[slot(va, level)];
}

u64 *pt_alloc(struct mm *mm, u64 va)
{
	return alloc_entry(mm, va, 0);
}

u64 *pt_alloc_huge(struct mm *mm, u64 va)
{
	u64 *e = alloc_entry(mm, va, 1);

	return e && (!*e || is_leaf(*e, 1)) ? e : NULL;
}

/* As pt_alloc_huge for an address space that no vCPU runs in; frees an empty page table there. */
static u64 *place_huge_anew(struct mm *mm, u64 va)
{
	u64 *e = alloc_entry(mm, va, 1);

	if (!e || !*e || is_leaf(*e, 1))
		return e;
	for (unsigned i = 0; i < ENTRIES; i++)
		if (table_at(*e)[i])
			return NULL;
	table_free(mm, *e & PTE_ADDR);
	WRITE_ONCE(*e, 0);
	return e;
}

int pt_cut(struct mm *mm, u64 va)
{
	struct pt_leaf leaf;

	if (!pt_find(mm, va, &leaf) || leaf.va == va)
		return 0;
	return split(mm, leaf.entry);
}

bool pt_unshared(u64 entry)
{
	return frame_range_unshared(pt_gpa(entry), pt_pages(entry));
}

void pt_set(struct mm *mm, u64 *entry, u64 value)
{
	if (*entry && !(*entry & PTE_ALIAS))
		mm->resident_pages -= pt_pages(*entry);
	if (value && !(value & PTE_ALIAS))
		mm->resident_pages += pt_pages(value);
	mm->peak_pages = MAX(mm->peak_pages, mm->resident_pages);
	WRITE_ONCE(*entry, value);
}

void pt_flush_add(struct pt_flush *f, u64 start, u64 end)
{
	f->start = MIN(f->start, start);
	f->end = MAX(f->end, end);
}

void pt_flush_now(struct mm *mm, struct pt_flush *f)
{
	if (f->start < f->end)
		mm_flush(mm, f->start, f->end);
	*f = (struct pt_flush)PT_FLUSH_INIT;
}

/* Frames whose references are dropped after the flush, as runs of adjacent frames. */
#define RUNS 16
struct putting {
	struct {
		u64 gpa, count;
	} run[RUNS];
	unsigned runs;
};

/* Notes the frames of an owned entry. Returns false if there is no space for another run. */
static bool put_later(struct putting *p, u64 entry)
{
	u64 gpa = pt_gpa(entry);

	if (!(entry & PTE_OWNED))
		return true;
	if (!p->runs || p->run[p->runs - 1].gpa + p->run[p->runs - 1].count * PAGE_SIZE != gpa) {
		if (p->runs == RUNS)
			return false;
		p->run[p->runs].gpa = gpa;
		p->run[p->runs++].count = 0;
	}
	p->run[p->runs - 1].count += pt_pages(entry);
	return true;
}

static void put_now(struct putting *p)
{
	for (unsigned i = 0; i < p->runs; i++)
		frame_put_range(p->run[i].gpa, p->run[i].count);
	p->runs = 0;
}

/* [start, end) is emptied. [low, high) contains it and has no other pages: pt_unmap. */
struct clearing {
	struct mm *mm;
	u64 start, end;
	u64 low, high;
	struct putting putting;
	struct pt_flush flush;
	bool again; /* the second pass is needed */
};

static bool table_goes(const struct clearing *c, u64 va, int level)
{
	return va >= c->low && va + span(level) <= c->high;
}

/*
 * First pass over the entries of a table whose first address is base. No leaf stays present.
 * Leaves are cleared at once as long as there is space to note their frames, because under shadow
 * paging another write to the table after the flush would cost another exit.
 */
static void detach(struct clearing *c, u64 *table, int level, u64 base)
{
	u64 va = MAX(base, ALIGN_DOWN(c->start, span(level)));
	u64 end = MIN(base + ENTRIES * span(level), c->end);

	for (; va < end; va += span(level)) {
		u64 *e = &table[slot(va, level)];

		if (!*e || (level == TOP && !arch_user_slot(slot(va, level))))
			continue;
		if (is_leaf(*e, level)) {
			if (*e & PTE_P)
				pt_flush_add(&c->flush, va, va + PAGE_SIZE);
			if (put_later(&c->putting, *e)) {
				pt_set(c->mm, e, 0);
				continue;
			}
		} else {
			detach(c, table_at(*e), level - 1, va);
			if (!table_goes(c, va, level))
				continue;
			/* A flush of any page also drops cached table entries: SDM 3A 4.10.4.1. */
			if (c->flush.start >= c->flush.end)
				pt_flush_add(&c->flush, c->start, c->start + PAGE_SIZE);
		}
		WRITE_ONCE(*e, *e & ~PTE_P);
		c->again = true;
	}
}

/* Second pass: clears the leaves that are left, and frees tables. */
static void reap(struct clearing *c, u64 *table, int level, u64 base)
{
	u64 va = MAX(base, ALIGN_DOWN(c->start, span(level)));
	u64 end = MIN(base + ENTRIES * span(level), c->end);

	for (; va < end; va += span(level)) {
		u64 *e = &table[slot(va, level)];

		if (!*e || (level == TOP && !arch_user_slot(slot(va, level))))
			continue;
		if (is_leaf(*e, level)) {
			if (!put_later(&c->putting, *e)) {
				put_now(&c->putting);
				put_later(&c->putting, *e);
			}
			pt_set(c->mm, e, 0);
			continue;
		}
		reap(c, table_at(*e), level - 1, va);
		if (table_goes(c, va, level)) {
			table_free(c->mm, *e & PTE_ADDR);
			WRITE_ONCE(*e, 0);
		}
	}
}

void pt_unmap(struct mm *mm, u64 start, u64 end, u64 low, u64 high)
{
	struct clearing c = {
		.mm = mm,
		.start = start,
		.end = end,
		.low = low,
		.high = high,
		.flush = PT_FLUSH_INIT,
	};

	detach(&c, phys_to_virt(mm->pml4), TOP, 0);
	pt_flush_now(mm, &c.flush);
	put_now(&c.putting);
	if (c.again)
		reap(&c, phys_to_virt(mm->pml4), TOP, 0);
	put_now(&c.putting);
}

void pt_clear(struct mm *mm)
{
	/* low is above high, so that no table is freed. */
	struct clearing all = {.mm = mm, .end = USER_TOP, .low = 1UL << 47};

	reap(&all, phys_to_virt(mm->pml4), TOP, 0);
	put_now(&all.putting);
}

/* Frees a table with all that it leads to, and writes no entry: see pt_free_page. */
static void destroy(struct mm *mm, struct putting *putting, u64 gpa, int level)
{
	const u64 *table = phys_to_virt(gpa);

	for (unsigned i = 0; i < ENTRIES; i++) {
		u64 entry = table[i];

		if (!entry)
			continue;
		if (!is_leaf(entry, level)) {
			destroy(mm, putting, entry & PTE_ADDR, level - 1);
			continue;
		}
		if (!(entry & PTE_ALIAS))
			mm->resident_pages -= pt_pages(entry);
		if (!put_later(putting, entry)) {
			put_now(putting);
			put_later(putting, entry);
		}
	}
	table_free(mm, gpa);
}

void pt_destroy(struct mm *mm)
{
	struct putting putting = {.runs = 0};
	u64 *top = phys_to_virt(mm->pml4);

	for (unsigned i = 0; i < ENTRIES; i++)
		if (top[i] && arch_user_slot(i))
			destroy(mm, &putting, top[i] & PTE_ADDR, TOP - 1);
	put_now(&putting);
	unshadow(mm->pml4); /* its first entry is a program's */
	for (unsigned i = 0; i < ENTRIES; i++)
		if (arch_user_slot(i))
			top[i] = 0;
}

u64 pt_value(const struct vma *v, u64 gpa, u64 bits)
{
	u64 page = gpa | (bits & (PTE_OWNED | PTE_PS));
	int prot = v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);

	if (!(v->flags & VMA_SHARED) && (prot & PROT_WRITE) &&
	    !((page & PTE_OWNED) && pt_unshared(page)))
		prot &= ~PROT_WRITE;
	if (v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
		return arch_pte(gpa, prot, page & PTE_PS) | (page & PTE_OWNED);
	return page & PTE_OWNED ? page : 0;
}

/* The old entry, if cached, would allow an access that the new one does not. */
static bool takes_away(u64 old, u64 new)
{
	return (old & PTE_P) && (!(new &PTE_P) || (old & ~new &PTE_W) || (new & ~old &PTE_NX));
}

void pt_protect(struct mm *mm, const struct vma *v, u64 start, u64 end, struct pt_flush *flush)
{
	struct pt_leaf leaf;

	for (u64 va = start; pt_next(mm, va, end, &leaf); va = leaf.va + leaf.size) {
		u64 old = *leaf.entry, new = pt_value(v, pt_gpa(old), old);

		if (takes_away(old, new))
			pt_flush_add(flush, leaf.va, leaf.va + PAGE_SIZE);
		pt_set(mm, leaf.entry, new);
	}
}

void pt_drop_windows(struct mm *mm, u64 start, u64 end)
{
	struct pt_flush flush = PT_FLUSH_INIT;
	struct pt_leaf leaf;

	for (u64 va = start; pt_next(mm, va, end, &leaf); va = leaf.va + leaf.size) {
		if (*leaf.entry & PTE_OWNED)
			continue;
		pt_set(mm, leaf.entry, 0);
		pt_flush_add(&flush, leaf.va, leaf.va + leaf.size);
	}
	pt_flush_now(mm, &flush);
}

/*
 * fork copies the page at once, because the page was written again after the last fork and will
 * probably be again. A copy now is a memcpy; later it is a fault and a flush for each side.
 */
static bool copied_at_once(const struct vma *v, const struct pt_leaf *leaf)
{
	return (*leaf->entry & PTE_OWNED) && leaf->size == PAGE_SIZE && (v->prot & PROT_WRITE) &&
	       !(v->flags & VMA_SHARED) && !(vma_traits(v) & VM_ALIASED) &&
	       frame_rewritten(pt_gpa(*leaf->entry)) && !frame_scarce();
}

/* Copies the page into a new frame. Returns the child's entry, or 0 if there is no memory. */
static u64 copy_for_child(const struct vma *v, u64 entry, unsigned flags)
{
	u64 gpa = frame_alloc(0, flags);

	if (!gpa)
		return 0;
	memcpy(phys_to_virt(gpa), phys_to_virt(pt_gpa(entry)), PAGE_SIZE);
	return pt_value(v, gpa, PTE_OWNED);
}

int pt_copy(struct mm *dst, struct mm *src, const struct vma *v, struct pt_flush *flush)
{
	struct pt_leaf leaf;
	unsigned copies = 0;

	for (u64 va = v->start; pt_next(src, va, v->end, &leaf); va = leaf.va + leaf.size) {
		u64 value = *leaf.entry;
		bool pinned = (value & PTE_OWNED) && (value & PTE_W) &&
			      frame_range_pinned(pt_gpa(value), pt_pages(value));
		u64 *e, copy = 0;

		if (pinned && leaf.size == HUGE_SIZE) {
			if (split(src, leaf.entry) < 0)
				return -ENOMEM;
			leaf.size = 0; /* continue with its first 4 KiB page */
			continue;
		}
		e = leaf.size == HUGE_SIZE ? place_huge_anew(dst, leaf.va) : pt_alloc(dst, leaf.va);
		if (!e)
			return -ENOMEM;
		if (pinned) {
			copy = copy_for_child(v, value, 0);
			if (!copy)
				return -ENOMEM;
		} else if (dst->copies_at_once && copies < COPIES_AT_ONCE &&
			   copied_at_once(v, &leaf)) {
			copy = copy_for_child(v, value, FRAME_USER);
			if (copy)
				frame_note_rewritten(pt_gpa(copy));
			copies++;
		}
		if (copy) {
			value = copy;
		} else if (value & PTE_OWNED) {
			if (value & PTE_W) {
				value &= ~PTE_W;
				pt_set(src, leaf.entry, value);
				pt_flush_add(flush, leaf.va, leaf.va + PAGE_SIZE);
			}
			frame_get_range(pt_gpa(value), pt_pages(value));
		}
		pt_set(dst, e, value);
	}
	return 0;
}

int pt_move(struct mm *mm, u64 from, u64 to, u64 len, struct pt_flush *flush)
{
	struct pt_leaf leaf;
	u64 va;

	/* What can fail comes first: new tables, and splits where the target is not aligned. */
	for (va = from; pt_next(mm, va, from + len, &leaf); va = leaf.va + leaf.size) {
		u64 target = leaf.va - from + to;

		if (leaf.size == HUGE_SIZE &&
		    !(IS_ALIGNED(target, HUGE_SIZE) && pt_alloc_huge(mm, target))) {
			if (split(mm, leaf.entry) < 0)
				return -ENOMEM;
			leaf.size = 0; /* continue with its first 4 KiB page */
			continue;
		}
		if (leaf.size == PAGE_SIZE && !pt_alloc(mm, target))
			return -ENOMEM;
	}
	for (va = from; pt_next(mm, va, from + len, &leaf); va = leaf.va + leaf.size) {
		u64 target = leaf.va - from + to;
		u64 *e = leaf.size == HUGE_SIZE ? pt_alloc_huge(mm, target) : pt_alloc(mm, target);

		if (*leaf.entry & PTE_P)
			pt_flush_add(flush, leaf.va, leaf.va + PAGE_SIZE);
		*e = *leaf.entry;
		WRITE_ONCE(*leaf.entry, 0);
	}
	return 0;
}
