/* SPDX-License-Identifier: MIT */
/*
 * Backings: what a mapping shows if it is more than fresh memory.
 *
 * A VMA without a backing is anonymous memory: frames that begin as zeros. Every other VMA holds a
 * reference to a struct vm_backing, and vma.offset says which byte of the backing is at vma.start.
 * Each kind of backing is implemented beside what it shows: shared anonymous memory in
 * mm/window.c, files in fs/mapping.c, System V segments in ipc/shm.c, the vDSO in exec/vdso.c, the
 * guarded heap in kernel/check/backing.c. kernel/mm/ never asks for the kind: it calls an
 * operation, or tests a trait.
 *
 * A backing that several VMAs show is one object, so adjacent VMAs that show adjacent bytes of it
 * can be merged. A backing that lives as long as the kernel is a static object without get and put.
 */
#ifndef KERNEL_MM_BACKING_H
#define KERNEL_MM_BACKING_H

#include "common/types.h"
#include "kernel/mm/mm.h"

struct pt_flush;
struct window;

/*
 * What kernel/mm/ does differently for a backing's VMAs. A managed backing counts the pages itself
 * and decides how they are mapped: the pages do not count for RLIMIT_DATA, mlockall(2) skips them,
 * and madvise(2) changes no flags of the VMA.
 */
enum vm_traits {
	VM_SEPARATE = 1 << 0, /* VMAs are never merged: the backing counts them */
	VM_SHMEM = 1 << 1,    /* resident pages count as shared memory, not as a file's */
	VM_SPECIAL = 1 << 2, /* the kernel's pages: not resized, not dropped, mlockall skips them */
	VM_MANAGED = 1 << 3,
	VM_ALIASED = 1 << 4, /* a frame may be at several addresses of one address space */
};

/* A page that the program accesses, or the kernel on the program's behalf. */
struct vm_fault {
	struct mm *mm;
	struct vma *vma; /* contains the page, and allows the access */
	u64 page;	 /* address, page-aligned */
	enum mm_access access;
	u64 limit; /* if not 0: neighbours are mapped below this address only */
};

struct vm_backing {
	const struct vm_backing_ops *ops;
	struct window *window; /* the window whose pages VMAs show, or NULL */
};

/*
 * The operations. The caller holds mm.lock of the VMA's address space. An operation does not
 * release mm.lock unless its comment says so; it may take locks that lock.h puts inside mm.lock.
 * put is also called without the lock: for VMAs of an address space that ends. An operation may be
 * NULL; its comment says what happens then.
 */
struct vm_backing_ops {
	u32 traits; /* enum vm_traits */

	/*
	 * Takes a reference for one more VMA (mmap, fork, a split, a move), or drops one. The
	 * caller of get holds a reference itself, and get cannot fail. The last put may free the
	 * backing. When put is called, no page table has a page that only this VMA showed. NULL:
	 * the backing has no reference count.
	 */
	void (*get)(struct vm_backing *b);
	void (*put)(struct vm_backing *b);

	/*
	 * Makes f->page accessible in the way that f->access needs. May map its neighbours too if
	 * that is cheap, but nothing outside of f->vma. On entry the page is not in the page
	 * tables, or it is an entry without PTE_OWNED (pagetable.h) that a private write must
	 * replace by a copy. Returns 0 if the access is to be made again, -ENOMEM if no RAM is
	 * left, -EIO if the backing has no such page (SIGBUS), or -EFAULT for the same signal as if
	 * nothing were mapped (SIGSEGV). NULL: the memory is anonymous.
	 */
	int (*populate)(struct vm_fault *f);

	/*
	 * fork(2): gives child, which has a copy of v without pages, the pages of v. Adds to flush
	 * the addresses at which src's page tables lose a permission. VMAs come in order of
	 * address. Returns 0 or -ENOMEM. NULL: pt_copy.
	 */
	int (*fork)(struct mm *child, struct mm *src, const struct vma *v, struct pt_flush *flush);

	/*
	 * Returns whether the program may protect, lock, or advise on [start, end), which lies
	 * inside one VMA. If not, the call fails with -ENOMEM. NULL: the program may.
	 */
	bool (*may_change)(struct mm *mm, u64 start, u64 end);

	/*
	 * madvise(2) MADV_DONTNEED or MADV_FREE of [start, end) inside one VMA. Returns true if the
	 * backing has dealt with the pages, false if the caller is to unmap them. NULL: the caller
	 * unmaps them.
	 */
	bool (*discard)(struct mm *mm, u64 start, u64 end);

	/*
	 * Makes sure that the backing reaches at least to offset + len. If b cannot, *wider is a
	 * backing that does, with a reference for the caller, which then puts b. Returns 0, or the
	 * -errno that mremap(2) fails with. NULL: populate refuses what lies beyond the end.
	 */
	int (*widen)(struct vm_backing *b, u64 offset, u64 len, struct vm_backing **wider);

	/*
	 * Returns how many bytes from v's start on the backing has now, in whole pages. The caller
	 * drops the pages beyond. NULL: the backing never shrinks.
	 */
	u64 (*truncate)(const struct vma *v);

	/*
	 * madvise(2) MADV_WILLNEED or MADV_REMOVE for [start, end), which lies inside v. Returns 0
	 * or -errno. NULL: the content is this kernel's, and there is nobody to advise.
	 */
	int (*advise)(const struct vma *v, u64 start, u64 end, int advice);

	/*
	 * mincore(2): vec has one byte for each page of [start, end), which lies inside v. Sets
	 * the byte to 1 for a page that is in memory. NULL: only pages in the page tables are.
	 */
	void (*resident)(const struct vma *v, u64 start, u64 end, u8 *vec);

	/*
	 * msync(2) MS_SYNC of [start, end) inside v. Releases mm.lock while it waits, so v may be
	 * gone afterwards. Returns 0 or -errno. NULL: there is nowhere to write to.
	 */
	int (*sync)(struct mm *mm, const struct vma *v, u64 start, u64 end);

	/* The name in /proc/PID/maps, NUL-terminated. NULL: that of anonymous memory. */
	void (*name)(const struct vma *v, char *buf, u32 size);
};

static inline u32 vma_traits(const struct vma *v)
{
	return v->backing ? v->backing->ops->traits : 0;
}

/* The window whose pages v shows, or NULL. It is valid as long as v has its backing. */
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

/* Result of vm_source.open. */
struct vm_opened {
	struct vm_backing *backing; /* a reference for the caller; NULL: anonymous memory */
	u64 offset;		    /* of the mapping's start in the backing */
	u32 max_prot;		    /* PROT_* that mprotect(2) may give; the caller presets all */
	bool quiet;		    /* see struct hostcall_window */
};

/*
 * What mmap(2) is asked to map: an open file, or a System V segment. It lies on the caller's stack
 * and is used only until the call that gets it returns.
 */
struct vm_source {
	/*
	 * Opens [offset, offset + len), page-aligned, for a mapping with this protection. mm.lock
	 * is held. Returns 0, or the -errno that mmap(2) fails with.
	 */
	int (*open)(const struct vm_source *s, u64 offset, u64 len, u32 prot, bool shared,
		    struct vm_opened *out);
	bool memory; /* shared mappings count as memory that the system must have room for */
};

#endif
