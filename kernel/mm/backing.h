/* SPDX-License-Identifier: MIT */
/*
 * Backings: what a mapping shows where it is more than fresh memory.
 *
 * A VMA without a backing is anonymous memory: frames that begin as zeros. Every other VMA holds a
 * reference to a struct vm_backing, and vma.offset says which byte of the backing is at vma.start.
 * Each kind of backing is implemented beside what it shows: shared anonymous memory in
 * mm/window.c, files in fs/mapping.c, System V segments in ipc/shm.c, the vDSO in exec/vdso.c, the
 * guarded heap in kernel/check/backing.c. kernel/mm/ never asks for the kind: it calls an
 * operation, or tests a trait.
 *
 * A backing that several VMAs show is one object, so VMAs that continue each other in it can be
 * merged. One that lives as long as the kernel is a static object without get and put.
 */
#ifndef KERNEL_MM_BACKING_H
#define KERNEL_MM_BACKING_H

#include "common/types.h"
#include "kernel/mm/mm.h"

struct pt_flush;
struct window;

/*
 * What kernel/mm/ does differently for a backing's VMAs. A managed backing counts the pages and
 * decides how they are mapped: they are no data in the sense of RLIMIT_DATA, mlockall(2) leaves
 * them as they are, and madvise(2) changes no flags.
 */
enum vm_traits {
	VM_SEPARATE = 1 << 0, /* VMAs are never merged: the backing counts them */
	VM_SHMEM = 1 << 1,    /* resident pages count as shared memory, not as a file's */
	VM_SPECIAL = 1 << 2,  /* the kernel's pages: not resized, locked by mlockall(2), dropped */
	VM_MANAGED = 1 << 3,
	VM_ALIASED = 1 << 4, /* a frame may be at several addresses of one address space */
};

/* A page that is needed: by the program's access, or by the kernel in its name. */
struct vm_fault {
	struct mm *mm;
	struct vma *vma; /* has the page, and allows the access */
	u64 page;	 /* address, page-aligned */
	enum mm_access access;
};

struct vm_backing {
	const struct vm_backing_ops *ops;
	struct window *window; /* the window whose pages VMAs show; NULL: they show none's */
};

/*
 * The operations. The caller of each holds mm.lock of the VMA's address space, which the operation
 * keeps unless its comment says otherwise; it may take locks that lock.h puts inside mm.lock. Only
 * put is also called without the lock: for VMAs of an address space that ends. An operation may be
 * NULL; its comment says what happens then.
 */
struct vm_backing_ops {
	u32 traits; /* enum vm_traits */

	/*
	 * One VMA more shows the backing (mmap, fork, a split, a move), or one less. get is called
	 * by a holder of a reference and cannot fail; the last put may free the backing. When put
	 * is called no page table has a page that only this VMA showed. NULL: nothing is counted.
	 */
	void (*get)(struct vm_backing *b);
	void (*put)(struct vm_backing *b);

	/*
	 * Makes f->page accessible in the way that f->access needs, and its neighbours where that
	 * is cheap, but nothing outside of f->vma. The page is not in the page tables, or it is one
	 * without PTE_OWNED (pagetable.h) that a private write must replace by a copy. 0: the
	 * access is made again. -ENOMEM: no RAM is left; -EIO: the backing has no such page
	 * (SIGBUS); -EFAULT: as if nothing were mapped (SIGSEGV). NULL: the memory is anonymous.
	 */
	int (*populate)(struct vm_fault *f);

	/*
	 * fork(2): child, which has a copy of v but no page of it, gets the pages; what src's page
	 * tables lose goes into flush. VMAs come in order of address. 0 or -ENOMEM. NULL: pt_copy.
	 */
	int (*fork)(struct mm *child, struct mm *src, const struct vma *v, struct pt_flush *flush);

	/*
	 * Whether the program may protect, lock, or advise on [start, end), which lies inside one
	 * VMA. false: -ENOMEM, and nothing of a larger range was changed. NULL: it may.
	 */
	bool (*may_change)(struct mm *mm, u64 start, u64 end);

	/*
	 * madvise(2) MADV_DONTNEED or MADV_FREE of [start, end) inside one VMA. false: the pages
	 * may simply be unmapped; true: the backing dealt with them. NULL: they may be unmapped.
	 */
	bool (*discard)(struct mm *mm, u64 start, u64 end);

	/*
	 * The backing reaches at least to offset + len, or *wider is one that does, with a
	 * reference for the caller, which then puts b. 0 or -errno, which mremap(2) fails with.
	 * NULL: what lies beyond the backing's end is populate's to refuse.
	 */
	int (*widen)(struct vm_backing *b, u64 offset, u64 len, struct vm_backing **wider);

	/*
	 * Asks how many bytes from v's start on the backing has now, in whole pages. The caller
	 * drops the pages beyond. NULL: a backing never shrinks.
	 */
	u64 (*truncate)(const struct vma *v);

	/*
	 * madvise(2) MADV_WILLNEED or MADV_REMOVE for [start, end), which lies inside v. 0 or
	 * -errno. NULL: there is no content outside of this kernel to advise on.
	 */
	int (*advise)(const struct vma *v, u64 start, u64 end, int advice);

	/*
	 * mincore(2): bytes of vec, one for each page of [start, end) inside v, become 1 where a
	 * page is in memory. NULL: only pages in the page tables are.
	 */
	void (*resident)(const struct vma *v, u64 start, u64 end, u8 *vec);

	/*
	 * msync(2) MS_SYNC of [start, end) inside v. Gives mm.lock up while it waits, so v may be
	 * gone afterwards. 0 or -errno. NULL: there is nowhere to write to.
	 */
	int (*sync)(struct mm *mm, const struct vma *v, u64 start, u64 end);

	/* The name in /proc/PID/maps, NUL-terminated. NULL: that of anonymous memory. */
	void (*name)(const struct vma *v, char *buf, u32 size);
};

static inline u32 vma_traits(const struct vma *v)
{
	return v->backing ? v->backing->ops->traits : 0;
}

/* The window whose pages v shows, or NULL. v keeps it. */
static inline struct window *vma_window(const struct vma *v)
{
	return v->backing ? v->backing->window : NULL;
}

/* NULL is allowed: anonymous memory. */
static inline void backing_get(struct vm_backing *b)
{
	if (b && b->ops->get)
		b->ops->get(b);
}

static inline void backing_put(struct vm_backing *b)
{
	if (b && b->ops->put)
		b->ops->put(b);
}

/* What vm_source.open found. */
struct vm_opened {
	struct vm_backing *backing; /* a reference for the caller; NULL: anonymous memory */
	u64 offset;		    /* of the mapping's start in the backing */
	u32 max_prot;		    /* PROT_* that mprotect(2) may give; all of them at first */
	bool quiet;		    /* see struct hostcall_window */
};

/*
 * What mmap(2) is asked to map: an open file, a segment. It lives as long as the call that gets it,
 * on the caller's stack.
 */
struct vm_source {
	/*
	 * Opens [offset, offset + len), page-aligned, for a mapping with this protection. mm.lock
	 * is held. 0, or the -errno that mmap(2) fails with.
	 */
	int (*open)(const struct vm_source *s, u64 offset, u64 len, u32 prot, bool shared,
		    struct vm_opened *out);
	bool memory; /* shared mappings count as memory that the system must have room for */
};

#endif
