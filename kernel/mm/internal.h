/* SPDX-License-Identifier: MIT */
/*
 * For kernel/mm/, and for code of other folders that changes mappings under mm.lock (kernel/check/,
 * task/core.c) or makes windows (ipc/shm.c). The caller of a function with an mm holds mm.lock.
 */
#ifndef KERNEL_MM_INTERNAL_H
#define KERNEL_MM_INTERNAL_H

#include "kernel/mm/mm.h"
#include "kernel/mm/mm_needs.h"

/* mmap(2) refuses lower addresses, as vm.mmap_min_addr's default does. */
#define MM_MIN_ADDR UL(0x10000)

struct vm_source;
struct window;

/*
 * Flushes cached translations of [start, end) on this vCPU and on every other vCPU that has mm
 * loaded; no program uses an old translation after the return. All flushes of programs' addresses
 * go through here. A flush is expensive, so callers collect ranges first (struct pt_flush).
 */
void mm_flush(struct mm *mm, u64 start, u64 end);

/*
 * Brings every other vCPU that runs mm's program into the kernel and waits until it is there. The
 * caller keeps them from leaving the kernel again (stop_others in patch.c).
 */
void mm_stop_others(struct mm *mm);

/*
 * As mm_fault, for the program's access or for the kernel's own on the program's behalf. Does not
 * wait for RAM: if there is none, returns -EFAULT with signal SIGKILL. The caller may then release
 * mm.lock, call oom_make_space, and try again.
 */
int mm_fault_locked(struct mm *mm, u64 addr, enum mm_access access, struct mm_fault_info *info);

/*
 * Makes the pages of [start, end) present for this access. Stops at the first page that fails:
 * returns -ENOMEM at a hole or if there is no RAM, -EFAULT if the VMA does not allow the access or
 * its backing has no such page.
 */
int mm_populate_locked(struct mm *mm, u64 start, u64 end, enum mm_access access);

/*
 * Maps pages of [addr, addr + size) if a part of a program or library was mapped there just now:
 * the program is about to use them, and each fault costs two entries into the guest. The caller
 * passes only addresses that the program has chosen (MAP_FIXED): a library that is mapped anywhere
 * is one mapping at first, which the dynamic linker then covers by its parts.
 */
void mm_map_ahead(struct mm *mm, u64 addr, u64 size);
/* The same for a small mapping of fresh memory or of a file's text that the program will use. */
void mm_map_ahead_small(struct mm *mm, u64 addr, u64 size);

s64 mm_map_locked(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags,
		  const struct vm_source *source, u64 offset);
/*
 * Maps private writable memory at an address that mmap(2) may not give out. The mapping takes a
 * reference to the backing. Returns 0, or -ENOMEM, also if something is mapped in the range.
 */
s64 mm_map_at_locked(struct mm *mm, u64 addr, u64 len, struct vm_backing *b);
s64 mm_unmap_locked(struct mm *mm, u64 addr, u64 len);
s64 mm_protect_locked(struct mm *mm, u64 addr, u64 len, u32 prot);
s64 mm_remap_locked(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr);

/*
 * mm_may_expand: so many pages more are within RLIMIT_AS and, for data (private writable memory
 * that is not a stack), within RLIMIT_DATA. mm_may_commit: the sandbox's RAM could ever hold them.
 */
bool mm_may_expand(struct mm *mm, u64 pages, bool data);
bool mm_may_commit(u64 pages);
/* Pages of private writable memory that is not a stack, as RLIMIT_DATA counts them. */
u64 mm_data_pages(struct mm *mm);
/* Pages of [start, end) that lie in a VMA. */
u64 mm_mapped_pages(struct mm *mm, u64 start, u64 end);

/* Every backing in [start, end) lets the program change protection and locking (may_change). */
bool mm_may_change(struct mm *mm, u64 start, u64 end);

/* Splits VMAs and 2 MiB pages so that none reaches across start or end. Returns 0 or -ENOMEM. */
int mm_cut(struct mm *mm, u64 start, u64 end);
/*
 * PR_SET_MDWE forbids that memory with permissions before gets the permissions after. For a new
 * mapping, both are those that it begins with.
 */
bool mm_denies_exec(const struct mm *mm, u32 before, u32 after);

/*
 * Makes a window on fresh shared memory of this size (a memfd) as a backing for VMAs, with a
 * reference for the caller. Returns 0 or -errno.
 */
int window_anon(u64 size, struct window **out);

#endif
