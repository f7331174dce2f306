/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: VMAs (what may be there) and page tables (what is there).
 *
 * Rules: mm.lock protects VMAs and page tables, for reads and for changes. A page-table entry
 * exists only inside a VMA and never allows more than the VMA does. Private writable pages of a
 * window, or of a frame with more than one reference, are mapped read-only; a write fault copies
 * them.
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
	VMA_STACK = 1 << 2, /* the initial stack, which is not merged with other mappings */
	VMA_NORESERVE = 1 << 4,
	VMA_NOHUGE = 1 << 5,
	VMA_DONTFORK = 1 << 6,
	VMA_WIPEONFORK = 1 << 7,
	VMA_LOCKED = 1 << 8,
	VMA_DENYWRITE = 1 << 9, /* MAP_DENYWRITE: a program or library (kernel/mm/text_cache.h) */
	VMA_HUGE = 1 << 10,	/* madvise(MADV_HUGEPAGE) */
	VMA_MODULE = 1 << 11,	/* check_code_changes is called when the VMA is unmapped */
	VMA_DONTDUMP = 1 << 13, /* madvise(MADV_DONTDUMP): left out of cores */
	VMA_THREAD_STACK = 1 << 14, /* MAP_STACK: used from its end down */
	VMA_SEALED = 1 << 12,	    /* mseal(2): cannot be changed until the address space ends */
};

struct vma {
	RB_ENTRY(vma) link;
	u64 start, end; /* [start, end), page-aligned */
	u64 gap;	/* free bytes right below start (VMA_GROWSDOWN: below the guard gap) */
	u64 max_gap;	/* largest gap in this subtree: RB augmentation */
	u32 prot;	/* PROT_* */
	u32 max_prot;	/* what mprotect may give (shared mapping of a read-only file: no write) */
	u32 flags;	/* VMA_* */
	struct vm_backing *backing; /* mm/backing.h; NULL: anonymous. The VMA holds a reference */
	u64 offset;		    /* byte of the backing at start; 0 without a backing */
	u64 next_fault;		    /* where a sequential access would fault next ... */
	u32 batch;		    /* ... and how many pages the last fault's batch had */
	u64 next_copy; /* where a sequential writer would fault on the next shared page */
};

RB_HEAD(vma_tree, vma);

struct mm {
	struct mutex lock;
	u32 users;
	u64 id;		 /* never used for another address space: proc/proc_mem.c */
	u64 copied_from; /* id of the address space that fork(2) copied, or 0 */
	u64 pml4;	 /* GPA of the top-level table */
	struct vma_tree vmas;
	u32 vma_count;
	u64 total_pages; /* in VMAs; the backings of VM_MANAGED ones add what they count */
	u64 total_peak;
	u64 locked_pages;
	u32 map_flags;	    /* VMA_* that every new mapping gets: mlockall(MCL_FUTURE) */
	u64 resident_pages; /* 4 KiB pages in the page tables: present or parked, not PTE_ALIAS */
	u64 peak_pages;	    /* high-water of resident_pages */
	u64 page_tables;    /* frames used for tables */
	u64 mmap_top;	    /* the search for free space goes down from this address */
	u64 brk_start, brk;
	u64 stack_top;
	u64 code_start, code_end, data_start, data_end;
	u64 interp_start, interp_end; /* code of the interpreter if it is glibc's dynamic linker */
	u64 arg_start, arg_end, env_start, env_end;
	u64 vdso;
	u64 auxv[64];		 /* AT_NULL-terminated, for /proc/self/auxv */
	u32 auxv_len;		 /* in u64s */
	u64 exe_dev, exe_ino;	 /* of the program; 0: not known */
	char *exe_path;		 /* absolute; for /proc/self/exe; kmalloc'ed */
	bool has_shared_mapping; /* had a shared mapping, through which others can have told the
				    process something: fs/path_prefetch.c */
	bool mdwe;		 /* PR_SET_MDWE: no page becomes executable */
	bool mdwe_not_inherited; /* PR_MDWE_NO_INHERIT: a child's pages may */
	bool merges;		 /* PR_SET_MEMORY_MERGE: stored and reported, no other effect */
	bool copies_at_once;	 /* fork may copy pages at once: mm_dup's alone */
	bool unborn;		 /* execve(2) is filling it: no process has it yet */
	struct check_mm *check;	 /* kernel/check_hooks.h: NULL unless the sandbox checks */
	/* Bitmap of the vCPUs that have this address space loaded, for TLB shootdown. */
	u64 cpus[64];
	/* mm/patch.h; NULL: no call site was recorded yet. */
	struct patch_table *patches;
};

#define MM_MAP_COUNT_MAX 65530 /* vm.max_map_count's default */
#define MM_STACK_GAP	 (256 * PAGE_SIZE)

/* Returns an empty address space with one reference, or NULL if there is no memory. */
struct mm *mm_new(void);
void mm_get(struct mm *mm);
/*
 * Drops a reference. The last one frees everything in mm, which then must not be the running
 * address space.
 */
void mm_put(struct mm *mm);
/*
 * fork(2): returns a copy that shares pages with mm, copy-on-write on both sides. alone: no other
 * thread runs in mm, so some pages may be copied at once while they stay writable (fork.md). Takes
 * mm.lock. Returns NULL if there is no memory.
 */
struct mm *mm_dup(struct mm *mm, bool alone);

/*
 * The functions from here to mm_map_backing take mm.lock.
 *
 * mm_map is mmap(2) for the kernel's own use: it does not check rlimits. source is NULL for
 * anonymous memory; fs/mapping.h makes one of a file. Returns the address or -errno.
 */
s64 mm_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, const struct vm_source *source,
	   u64 offset);
/*
 * mmap(2): as mm_map, and checks flags and rlimits as Linux does. ahead: the program is about to
 * use all of the mapping.
 */
s64 mm_mmap(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, const struct vm_source *source,
	    u64 offset, bool linker);
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
/*
 * fork(2) and execve(2): copies to the new address space mm the prctl(2) settings for memory that
 * it inherits. Takes no lock.
 */
void mm_inherit(struct mm *mm, const struct mm *from);
/*
 * Makes a private mapping of the first len bytes of a backing, of which the mapping takes a
 * reference. addr is a hint as mmap(2)'s; 0: anywhere. mprotect(2) never gives the mapping more
 * than prot. Flags of mlockall(2) and prctl(2) do not apply. Returns the address or -ENOMEM.
 */
s64 mm_map_backing(struct mm *mm, u64 addr, u64 len, u32 prot, struct vm_backing *b);

/*
 * prctl(2) PR_SET_MDWE. Takes mm.lock. Returns 0, or -EPERM if refuse is set already and the call
 * would clear it or change not_inherited.
 */
s64 mm_set_mdwe(struct mm *mm, bool refuse, bool not_inherited);
/* Programs may have mappings in [start, end): neither the kernel nor check owns a part of it. */
bool mm_user_range(u64 start, u64 end);

enum mm_access { MM_READ, MM_WRITE, MM_EXEC };

/* Outcome of a fault that could not be served. */
struct mm_fault_info {
	int signal; /* SIGSEGV, SIGBUS; SIGKILL: out of memory */
	int code;   /* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR */
	u64 addr;
};

/*
 * Serves a page fault at addr. Returns 0 if the instruction is to be retried, or -EFAULT with the
 * signal in *info. If RAM is used up, mm_fault calls oom_make_space and tries again.
 * No lock is held.
 */
int mm_fault(struct mm *mm, u64 addr, enum mm_access access, struct mm_fault_info *info);

/*
 * Asks every backing for its present size and unmaps the pages beyond it. Called when the monitor
 * has set window_fault: a page of a window was gone. Takes mm.lock.
 */
void mm_revalidate_windows(struct mm *mm);

/*
 * Unmaps the pages of v that lie beyond the present end of its backing. Private copies go too,
 * because mmap(2) promises SIGBUS there. mm.lock is held.
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
 * For /proc/PID/maps and smaps. The caller holds mm.lock. rss: resident bytes of a VMA; private
 * and shared: those whose frames only this address space has, and the rest; anon: those that do
 * not show the file's own page. The name is empty, "[stack]" and the like, or the file's path.
 */
struct mm_resident {
	u64 rss, private, shared, anon;
};
void mm_vma_resident(struct mm *mm, struct vma *v, struct mm_resident *r);
void mm_vma_name(struct mm *mm, struct vma *v, char *buf, u32 size);

/* VMA tree: pure logic, tested on the host (tests/unit/vma_test.c). Caller holds mm.lock. */
struct vma *vma_find(struct mm *mm, u64 addr); /* the first VMA with end > addr, or NULL */
struct vma *vma_first(struct mm *mm);
struct vma *vma_next(struct vma *v);
struct vma *vma_prev(struct vma *v);
void vma_insert(struct mm *mm, struct vma *v);			   /* no overlap allowed: KASSERT */
void vma_remove(struct mm *mm, struct vma *v);			   /* does not free v */
void vma_resize(struct mm *mm, struct vma *v, u64 start, u64 end); /* into free space only */
/*
 * Ends v at addr and inserts a new VMA for the rest. Returns 0, or -ENOMEM if there is no memory
 * or MM_MAP_COUNT_MAX is reached.
 */
int vma_split(struct mm *mm, struct vma *v, u64 addr);
/*
 * Merges v with the neighbours that continue it. Returns the merged VMA: v, or the one before v,
 * which makes v invalid.
 */
struct vma *vma_merge(struct mm *mm, struct vma *v);
/* Returns a copy outside the tree with its own reference to the backing; NULL: no memory. */
struct vma *vma_dup(const struct vma *v);
/* Frees a VMA that is in no tree, and drops its reference. */
void vma_free(struct vma *v);
/*
 * Returns the highest (vma_gap_up: the lowest) aligned address in [low, high) from which len bytes
 * are free, or 0. The guard gap below a VMA_GROWSDOWN VMA does not count as free.
 */
u64 vma_gap_down(struct mm *mm, u64 low, u64 high, u64 len, u64 align);
u64 vma_gap_up(struct mm *mm, u64 low, u64 high, u64 len, u64 align);

#endif
