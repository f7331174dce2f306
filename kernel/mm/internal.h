/* SPDX-License-Identifier: MIT */
/* What the files of kernel/mm/ share among themselves. _locked: mm.lock is held. */
#ifndef KERNEL_MM_INTERNAL_H
#define KERNEL_MM_INTERNAL_H

#include "kernel/mm/mm.h"
#include "kernel/mm/mm_needs.h"

/* mmap(2) refuses lower addresses, as vm.mmap_min_addr's default does. */
#define MM_MIN_ADDR UL(0x10000)

struct vm_source;
struct window;

/*
 * The program must not go on with what a vCPU has cached for [start, end): of the vCPU that
 * runs this and of every other that runs in mm. The one home of flushes: batch before calling.
 */
void mm_flush(struct mm *mm, u64 start, u64 end);

/*
 * No other vCPU runs mm's program any more: each comes into the kernel. They go out again as soon
 * as the caller lets them (patch.h).
 */
void mm_stop_others(struct mm *mm);

/*
 * Serves a fault (mm_fault), or the kernel's own touch of the page on the program's behalf. Signal
 * SIGKILL: there is no RAM for the page; the caller may drop mm.lock, make room (oom_make_space)
 * and try again.
 */
int mm_fault_locked(struct mm *mm, u64 addr, enum mm_access access, struct mm_fault_info *info);

/* Faults in what is allowed of [start, end). -ENOMEM: a hole; -EFAULT: a page that cannot be had.
 */
int mm_populate_locked(struct mm *mm, u64 start, u64 end, enum mm_access access);

s64 mm_map_locked(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags,
		  const struct vm_source *source, u64 offset);
/*
 * Private writable memory at an address that mmap(2) may not give out, with a backing of which it
 * takes a reference. 0, or -ENOMEM: also where something is.
 */
s64 mm_map_at_locked(struct mm *mm, u64 addr, u64 len, struct vm_backing *b);
s64 mm_unmap_locked(struct mm *mm, u64 addr, u64 len);
s64 mm_protect_locked(struct mm *mm, u64 addr, u64 len, u32 prot);
s64 mm_remap_locked(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr);

/* Size checks: RLIMIT_AS and RLIMIT_DATA (data: private writable, not a stack); overcommit. */
bool mm_may_expand(struct mm *mm, u64 pages, bool data);
bool mm_may_commit(u64 pages);
/* Private writable pages that are no stack, as RLIMIT_DATA counts them. */
u64 mm_data_pages(struct mm *mm);
/* Pages of [start, end) that are mapped. */
u64 mm_mapped_pages(struct mm *mm, u64 start, u64 end);

/* No backing in [start, end) forbids that the program changes how it sees its pages. */
bool mm_may_change(struct mm *mm, u64 start, u64 end);

/* VMAs of [start, end) begin and end there. 0 or -ENOMEM. */
int mm_cut(struct mm *mm, u64 start, u64 end);
/* PR_SET_MDWE: memory with PROT_* before may not get these afterwards; a new mapping has both. */
bool mm_denies_exec(const struct mm *mm, u32 before, u32 after);

/* A window on fresh shared memory of this size (memfd), which VMAs can refer to. */
int window_anon(u64 size, struct window **out);

#endif
