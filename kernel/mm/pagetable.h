/* SPDX-License-Identifier: MIT */
/*
 * Page tables of programs, reached through the physmap. All functions: mm.lock is held.
 *
 * A leaf entry is one of
 *
 *   0                     nothing
 *   present               arch_pte() of a frame or a window page, PTE_OWNED if it holds a
 *                         reference to the frame
 *   parked                PTE_OWNED without PTE_P: the page exists but the VMA allows no access
 *
 * and lies in a page table (4 KiB) or, with PTE_PS, in a page directory (2 MiB). An owned 2 MiB
 * page holds one reference to each of its 512 frames, so it can be split at any time.
 */
#ifndef KERNEL_MM_PAGETABLE_H
#define KERNEL_MM_PAGETABLE_H

#include "common/types.h"
#include "common/x86.h"
#include "common/layout.h"

/* Bits that the CPU ignores. */
#define PTE_OWNED (1UL << 9)
#define PTE_ALIAS (1UL << 10) /* the frame is counted elsewhere: VM_ALIASED */

struct mm;
struct vma;

struct pt_leaf {
	u64 *entry;
	u64 va;	  /* where the page begins: at or below the address asked for */
	u64 size; /* PAGE_SIZE or HUGE_SIZE */
};

/* First leaf (present or parked) that has a byte of [va, end). */
bool pt_next(struct mm *mm, u64 va, u64 end, struct pt_leaf *leaf);
static inline bool pt_find(struct mm *mm, u64 va, struct pt_leaf *leaf)
{
	return pt_next(mm, va, va + 1, leaf);
}

/*
 * Return the entry for the leaf at va, and make the tables above it. pt_alloc: for a 4 KiB page;
 * splits a 2 MiB page that is there. pt_alloc_huge: for a 2 MiB page; returns NULL also if there is
 * a page table. NULL: no memory.
 */
u64 *pt_alloc(struct mm *mm, u64 va);
u64 *pt_alloc_huge(struct mm *mm, u64 va);

/* Splits the 2 MiB page, if any, that reaches across va. Returns 0 or -ENOMEM. */
int pt_cut(struct mm *mm, u64 va);

static inline u64 pt_gpa(u64 entry)
{
	return entry & PTE_ADDR;
}
static inline u64 pt_pages(u64 entry)
{
	return entry & PTE_PS ? HUGE_SIZE / PAGE_SIZE : 1;
}
/* The frames of an owned entry have no other reference, except pins. */
bool pt_unshared(u64 entry);

/* Writes an entry and updates mm.resident_pages. The caller takes and drops references. */
void pt_set(struct mm *mm, u64 *entry, u64 value);

/* The range of addresses to flush: from the lowest to the highest that was added. */
struct pt_flush {
	u64 start, end;
};
#define PT_FLUSH_INIT                                                                              \
	{                                                                                          \
		-1UL, 0                                                                            \
	}
void pt_flush_add(struct pt_flush *f, u64 start, u64 end);
void pt_flush_now(struct mm *mm, struct pt_flush *f);

/*
 * Empties [start, end): flushes, then drops references. Frees the page tables that lie wholly
 * inside [low, high), in which the caller has no pages outside of [start, end). The caller calls
 * pt_cut at start and at end first.
 */
void pt_unmap(struct mm *mm, u64 start, u64 end, u64 low, u64 high);
/* Empties an address space in which no vCPU runs, and frees its tables except the top one. */
void pt_destroy(struct mm *mm);
/* Empties an address space in which no vCPU runs, and keeps its tables. */
void pt_clear(struct mm *mm);
/*
 * Frees the page of a table of any level. A KVM without hardware virtualization emulates each write
 * to a page that it has shadowed as a table, until it concludes that the page is no table any more.
 * A write that is smaller than an entry makes it conclude that (detect_write_misaligned in Linux's
 * arch/x86/kvm/mmu/mmu.c), and pt_free_page makes such a write. Otherwise the zeros for the page's
 * next owner would be emulated word by word.
 */
void pt_free_page(u64 gpa);

/*
 * Returns the entry that the VMA allows now for a page at gpa; bits: PTE_OWNED, PTE_PS or 0. The
 * entry lacks PTE_W if a write must copy the page. If the VMA allows no access, an owned page is
 * parked, and any other gives 0.
 */
u64 pt_value(const struct vma *v, u64 gpa, u64 bits);

/* Adapts the leaves of [start, end) to the VMA's permissions, which have changed. */
void pt_protect(struct mm *mm, const struct vma *v, u64 start, u64 end, struct pt_flush *flush);

/* Empties the leaves of [start, end) that hold no reference (a window's pages), and flushes. */
void pt_drop_windows(struct mm *mm, u64 start, u64 end);

/*
 * fork(2): gives dst the leaves of the VMA. Owned pages become read-only in both address spaces.
 * dst gets copies of writable pages that are pinned, and of some that both sides would probably
 * copy soon (frame_note_rewritten); these stay writable. Returns 0 or -ENOMEM.
 */
int pt_copy(struct mm *dst, struct mm *src, const struct vma *v, struct pt_flush *flush);

/*
 * Moves the leaves of [from, from + len) to the range of that size at to, which is empty. The
 * caller calls pt_cut at both ends first, and flushes afterwards. Returns 0, or -ENOMEM with
 * nothing moved.
 */
int pt_move(struct mm *mm, u64 from, u64 to, u64 len, struct pt_flush *flush);

#endif
