/* SPDX-License-Identifier: MIT */
/*
 * Page tables of programs, reached through the physmap. All functions: mm.lock is held.
 *
 * A leaf entry is one of
 *
 *   0                     nothing
 *   present               arch_pte() of a frame or a window page, PTE_OWNED if it holds a
 *                         reference to the frame
 *   parked                PTE_OWNED without PTE_P: the page is there but the VMA allows no access
 *
 * and lies in a page table (4 KiB) or, with PTE_PS, in a page directory (2 MiB). An owned 2 MiB
 * page holds one reference to each of its 512 frames, so it can be split at any time.
 */
#ifndef KERNEL_MM_PAGETABLE_H
#define KERNEL_MM_PAGETABLE_H

#include "common/types.h"
#include "common/x86.h"
#include "common/layout.h"

/* Of the bits that the CPU leaves to us. */
#define PTE_OWNED (1UL << 9)
#define PTE_ALIAS (1UL << 10) /* the frame is counted elsewhere: VM_ALIASED */

struct mm;
struct vma;

struct pt_leaf {
	u64 *entry;
	u64 va;	  /* begins at or below the address asked for */
	u64 size; /* PAGE_SIZE or HUGE_SIZE */
};

/* First leaf (present or parked) that has a byte of [va, end). */
bool pt_next(struct mm *mm, u64 va, u64 end, struct pt_leaf *leaf);
static inline bool pt_find(struct mm *mm, u64 va, struct pt_leaf *leaf)
{
	return pt_next(mm, va, va + 1, leaf);
}

/*
 * The entry for a leaf; makes the tables above it. pt_alloc: 4 KiB; splits a 2 MiB page that is
 * there. pt_alloc_huge: NULL also where a page table is. NULL: no memory.
 */
u64 *pt_alloc(struct mm *mm, u64 va);
u64 *pt_alloc_huge(struct mm *mm, u64 va);

/* No 2 MiB page reaches across va afterwards. 0 or -ENOMEM. */
int pt_cut(struct mm *mm, u64 va);

static inline u64 pt_gpa(u64 entry)
{
	return entry & PTE_ADDR;
}
static inline u64 pt_pages(u64 entry)
{
	return entry & PTE_PS ? HUGE_SIZE / PAGE_SIZE : 1;
}
/* All its frames have no other reference. */
bool pt_unshared(u64 entry);

/* Writes an entry and keeps mm.resident_pages right; references are the caller's. */
void pt_set(struct mm *mm, u64 *entry, u64 value);

/* Addresses whose cached translations must go: from the first to the last one added. */
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
 * Empties [start, end): flushes, then drops references. Page tables that lie wholly inside
 * [low, high), which has no pages but these, are freed. pt_cut at both ends first.
 */
void pt_unmap(struct mm *mm, u64 start, u64 end, u64 low, u64 high);
/* The same for everything, tables included, of an address space in which no vCPU runs. */
void pt_destroy(struct mm *mm);
/* The same, but the tables stay. */
void pt_clear(struct mm *mm);
/*
 * Frees the page of a top-level table, or of any other. A software KVM that has shadowed a table
 * takes each write to it for a new entry, and emulates the instruction, until it sees that the page
 * is no table any more. It takes a write that is too small for an entry for that
 * (detect_write_misaligned in Linux's arch/x86/kvm/mmu/mmu.c). Without this hint, the zeros for the
 * next owner would be written one emulated word after another.
 */
void pt_free_page(u64 gpa);

/*
 * What a leaf of this VMA may be now: value of the entry for a page at gpa. Write permission is
 * left out where a write must copy the page; no permission at all parks an owned page and gives 0
 * for any other.
 */
u64 pt_value(const struct vma *v, u64 gpa, u64 bits);

/* The leaves of [start, end) follow a change of the VMA's permissions. */
void pt_protect(struct mm *mm, const struct vma *v, u64 start, u64 end, struct pt_flush *flush);

/* Empties the leaves of [start, end) that show a window (not private copies), and flushes. */
void pt_drop_windows(struct mm *mm, u64 start, u64 end);

/*
 * fork(2): dst gets the leaves of the VMA; owned ones become read-only in both, but for pinned
 * ones, of which dst gets copies. 0 or -ENOMEM.
 */
int pt_copy(struct mm *dst, struct mm *src, const struct vma *v, struct pt_flush *flush);

/*
 * Moves the leaves of [from, from + len) to the same distance from to, where nothing is, without
 * flushing. 0, or -ENOMEM with nothing moved. pt_cut at both ends first.
 */
int pt_move(struct mm *mm, u64 from, u64 to, u64 len, struct pt_flush *flush);

#endif
