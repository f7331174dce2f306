/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: VMAs (what may be there) and page tables (what is there).
 *
 * Rules: mm.lock is held for every look at or change of VMAs and page tables. A page-table entry
 * exists only inside a VMA and never allows more than it. Private writable pages of a window or
 * of a frame with more than one reference are mapped read-only; a write fault copies them.
 */
#ifndef KERNEL_MM_MM_H
#define KERNEL_MM_MM_H

#include <bsd/sys/tree.h>
#include "common/layout.h"
#include "common/types.h"
#include "kernel/lock.h"

struct check_mm;
struct patch_table;
struct trapframe;
struct vm_backing;
struct vm_source;

enum {
	VMA_SHARED = 1 << 0,
	VMA_GROWSDOWN = 1 << 1,
	VMA_STACK = 1 << 2, /* the initial stack: [stack] in maps */
	VMA_HEAP = 1 << 3,  /* brk: [heap] in maps */
	VMA_NORESERVE = 1 << 4,
	VMA_NOHUGE = 1 << 5,
	VMA_DONTFORK = 1 << 6,
	VMA_WIPEONFORK = 1 << 7,
	VMA_LOCKED = 1 << 8,
	VMA_DENYWRITE = 1 << 9, /* of a program or library: kernel/mm/text_cache.h */
	VMA_HUGE = 1 << 10,	/* madvise(MADV_HUGEPAGE) */
	VMA_MODULE = 1 << 11,	/* a hook tells when it goes: kernel/check_hooks.h */
	VMA_SEALED = 1 << 12,	/* mseal(2): stays as it is, until the address space ends */
};

struct vma {
	RB_ENTRY(vma) link;
	u64 start, end; /* [start, end), page-aligned */
	u64 gap;	/* bytes free for others right below start (VMA_GROWSDOWN: and its guard) */
	u64 max_gap;	/* largest gap in this subtree: RB augmentation */
	u32 prot;	/* PROT_* */
	u32 max_prot;	/* what mprotect may give (shared mapping of a read-only file: no write) */
	u32 flags;	/* VMA_* */
	struct vm_backing *backing; /* mm/backing.h; NULL: anonymous. A reference is held */
	u64 offset;		    /* of start in the backing; 0 without one */
	u64 next_fault;		    /* where a sequential access would fault next ... */
	u32 batch;		    /* ... and how many pages to map then */
	u64 next_copy; /* where a sequential writer would want the next shared page copied */
};

RB_HEAD(vma_tree, vma);

struct mm {
	struct mutex lock;
	u32 users;
	u64 id;		 /* no other one ever has the same: proc/proc_mem.c */
	u64 copied_from; /* id of the one that fork(2) copied, or 0 */
	u64 pml4;	 /* GPA of the top-level table */
	struct vma_tree vmas;
	u32 vma_count;
	u64 total_pages; /* sum of VMA sizes */
	u64 total_peak;
	u64 locked_pages;
	u32 map_flags;	    /* VMA_* that every new mapping gets: mlockall(MCL_FUTURE) */
	u64 resident_pages; /* present user PTEs (4 KiB units) */
	u64 peak_pages;	    /* high-water of resident_pages */
	u64 page_tables;    /* frames used for tables */
	u64 mmap_top;	    /* search for free space goes down from here */
	u64 brk_start, brk;
	u64 stack_top;
	u64 code_start, code_end, data_start, data_end;
	u64 arg_start, arg_end, env_start, env_end;
	u64 vdso;
	u64 auxv[64];		 /* AT_NULL-terminated, for /proc/self/auxv */
	u32 auxv_len;		 /* in u64s */
	char *exe_path;		 /* absolute; for /proc/self/exe; kmalloc'ed */
	bool has_shared_mapping; /* had a shared mapping, in which others may have left word:
				    fs/path_prefetch.c */
	bool mdwe;		 /* PR_SET_MDWE: no page becomes executable */
	bool mdwe_not_inherited; /* ... but those of a child */
	bool merges;		 /* PR_SET_MEMORY_MERGE: only kept */
	bool copies_at_once;	 /* mm_dup fills it for the only thread that runs in the other */
	bool unborn;		 /* execve(2) is filling it: no process has it yet */
	struct check_mm *check;	 /* kernel/check_hooks.h: NULL unless the sandbox checks */
	/* vCPUs that run in this address space, for TLB shootdown */
	u64 cpus[64];
	/* mm/patch.h; NULL: no call site was looked at */
	struct patch_table *patches;
};

#define MM_MAP_COUNT_MAX 65530 /* vm.max_map_count's default */
#define MM_STACK_GAP	 (256 * PAGE_SIZE)

struct mm *mm_new(void); /* empty, users 1; NULL: no memory */
void mm_get(struct mm *mm);
void mm_put(struct mm *mm); /* the last one frees all; must not be the running one */
/*
 * fork: copy-on-write both sides; NULL: no memory. alone: no other thread runs in mm, so that some
 * pages may be copied at once while they stay writable (fork.md).
 */
struct mm *mm_dup(struct mm *mm, bool alone);

/*
 * mmap(2) for the kernel's own use. source is NULL for anonymous memory; a file's: fs/mapping.h.
 * rlimits are not checked. Result: address or -errno.
 */
s64 mm_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, const struct vm_source *source,
	   u64 offset);
/* The same for the system call, whose arguments and rlimits are checked. */
s64 mm_mmap(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, const struct vm_source *source,
	    u64 offset);
s64 mm_unmap(struct mm *mm, u64 addr, u64 len);
s64 mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot);
s64 mm_remap(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr);
s64 mm_advise(struct mm *mm, u64 addr, u64 len, int advice);
/* mseal(2) of a page-aligned range. */
s64 mm_seal(struct mm *mm, u64 addr, u64 len);
/*
 * remap_file_pages(2): [addr, addr + len), which lies inside one shared mapping, shows its file
 * from the byte offset on. All page-aligned.
 */
s64 mm_remap_pages(struct mm *mm, u64 addr, u64 len, u64 offset);
/* A new address space has what fork(2) and execve(2) leave of prctl(2)'s choices for memory. */
void mm_inherit(struct mm *mm, const struct mm *from);
/*
 * A private mapping of the first len bytes of a backing, at addr or in a free place (0), which
 * never allows more than prot. It takes a reference. No flags of mlockall(2) or prctl(2) apply to
 * it.
 */
s64 mm_map_backing(struct mm *mm, u64 addr, u64 len, u32 prot, struct vm_backing *b);

/* prctl(2) PR_SET_MDWE. 0; -EPERM: a bit that is set would go, or the other one change. */
s64 mm_set_mdwe(struct mm *mm, bool refuse, bool not_inherited);
/* [start, end) is a range that programs may have mappings in: not the kernel's, not check's. */
bool mm_user_range(u64 start, u64 end);

enum mm_access { MM_READ, MM_WRITE, MM_EXEC };

/* Outcome of a fault that could not be served. */
struct mm_fault_info {
	int signal; /* SIGSEGV, SIGBUS; SIGKILL: out of memory */
	int code;   /* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR */
	u64 addr;
};

/*
 * Serves a page fault at addr. Returns 0 to retry the instruction; -EFAULT and *info when the
 * program gets a signal. Where RAM is used up it sleeps until another process was killed for it.
 */
int mm_fault(struct mm *mm, u64 addr, enum mm_access access, struct mm_fault_info *info);

/* All windows are looked at again; pages beyond the ends of their files go. After window_fault. */
void mm_revalidate_windows(struct mm *mm);

/*
 * Pages of v beyond what its backing has now go, private copies too: mmap(2) promises SIGBUS there.
 * mm.lock is held.
 */
void mm_truncate_locked(struct mm *mm, struct vma *v);

/* Sizes in bytes, as /proc/self/status and statm have them. Takes mm.lock. */
struct mm_usage {
	u64 vsz, vsz_peak;
	u64 rss, rss_peak;
	u64 rss_anon, rss_file, rss_shmem;
	u64 data, stack, text, lib;
	u64 locked, page_tables, swap;
};
void mm_usage(struct mm *mm, struct mm_usage *u);

/*
 * For /proc/self/maps and smaps; caller holds mm.lock. Resident bytes of a VMA, and which of them
 * only this address space has. The name is empty, "[stack]" and the like, or the file's path.
 */
struct mm_resident {
	u64 rss, private, shared, anon;
};
void mm_vma_resident(struct mm *mm, struct vma *v, struct mm_resident *r);
void mm_vma_name(struct mm *mm, struct vma *v, char *buf, u32 size);

/* VMA tree: pure logic, tested on the host (tests/unit/vma_test.c). Caller holds mm.lock. */
struct vma *vma_find(struct mm *mm, u64 addr); /* first with end > addr, or NULL */
struct vma *vma_first(struct mm *mm);
struct vma *vma_next(struct vma *v);
struct vma *vma_prev(struct vma *v);
void vma_insert(struct mm *mm, struct vma *v);			   /* no overlap allowed: KASSERT */
void vma_remove(struct mm *mm, struct vma *v);			   /* out of the tree; not freed */
void vma_resize(struct mm *mm, struct vma *v, u64 start, u64 end); /* into free space only */
/* v ends at addr, a new one follows. -ENOMEM: no memory, or MM_MAP_COUNT_MAX is reached. */
int vma_split(struct mm *mm, struct vma *v, u64 addr);
/* With neighbours that continue it (those are freed); the result is v or the one before it. */
struct vma *vma_merge(struct mm *mm, struct vma *v);
/* A copy outside the tree that holds references of its own; NULL: no memory. And its end. */
struct vma *vma_dup(const struct vma *v);
void vma_free(struct vma *v);
/* Highest free range of len at an aligned address in [low, high); guard gap below GROWSDOWN kept.
 * 0: none. vma_gap_up: the lowest. */
u64 vma_gap_down(struct mm *mm, u64 low, u64 high, u64 len, u64 align);
u64 vma_gap_up(struct mm *mm, u64 low, u64 high, u64 len, u64 align);

#endif
