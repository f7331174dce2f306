// SPDX-License-Identifier: MIT
/* madvise(2): a table with a row for each advice: the mappings that refuse it, and the action. */
#include <linux/mman.h>
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"

/* Newer than the uapi headers of some hosts. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* Mappings for which an advice fails with EINVAL. */
enum {
	NOT_LOCKED = 1 << 0,
	NOT_FILE = 1 << 1, /* all but private anonymous memory */
	NOT_ANON = 1 << 2, /* all but mappings whose content the host has */
	NOT_SPECIAL = 1 << 3,
};

/* Acts on [start, end), page-aligned and inside v. Returns 0 or -errno. mm.lock is held. */
typedef int (*advise_fn)(struct mm *mm, struct vma *v, u64 start, u64 end);

static int drop_pages(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	int err;

	if (v->backing && v->backing->ops->discard && v->backing->ops->discard(mm, start, end))
		return 0;
	err = pt_cut(mm, start);
	if (!err)
		err = pt_cut(mm, end);
	if (!err) {
		patch_forget(mm, start, end);
		pt_unmap(mm, start, end, start, end);
	}
	return err;
}

/* The host has the content, so that advice can be passed on to it. */
static bool is_of_host(const struct vma *v)
{
	return v->backing && v->backing->ops->advise;
}

static int will_need(__attribute__((unused)) struct mm *mm, struct vma *v, u64 start, u64 end)
{
	if (is_of_host(v))
		v->backing->ops->advise(v, start, end, MADV_WILLNEED);
	return 0;
}

/* MADV_REMOVE: punches a hole into the file. */
static int remove_pages(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	if (!(v->flags & VMA_SHARED) || !(v->prot & PROT_WRITE))
		return -EACCES;
	return drop_pages(mm, v, start, end) ?: v->backing->ops->advise(v, start, end, MADV_REMOVE);
}

static const struct advice {
	int number;
	u32 refused;
	advise_fn act;
	u32 set, clear; /* flags of the VMA */
} advices[] = {
	{MADV_NORMAL, 0, NULL, 0, 0},
	{MADV_RANDOM, 0, NULL, 0, 0},
	{MADV_SEQUENTIAL, 0, NULL, 0, 0},
	{MADV_WILLNEED, 0, will_need, 0, 0},
	{MADV_DONTNEED, NOT_LOCKED | NOT_SPECIAL, drop_pages, 0, 0},
	{MADV_DONTNEED_LOCKED, NOT_SPECIAL, drop_pages, 0, 0},
	{MADV_FREE, NOT_LOCKED | NOT_FILE | NOT_SPECIAL, drop_pages, 0, 0},
	{MADV_REMOVE, NOT_LOCKED | NOT_ANON, remove_pages, 0, 0},
	{MADV_DONTFORK, 0, NULL, VMA_DONTFORK, 0},
	{MADV_DOFORK, NOT_SPECIAL, NULL, 0, VMA_DONTFORK},
	{MADV_WIPEONFORK, NOT_FILE, NULL, VMA_WIPEONFORK, 0},
	{MADV_KEEPONFORK, NOT_SPECIAL, NULL, 0, VMA_WIPEONFORK},
	{MADV_HUGEPAGE, NOT_SPECIAL, NULL, VMA_HUGE, VMA_NOHUGE},
	{MADV_NOHUGEPAGE, NOT_SPECIAL, NULL, VMA_NOHUGE, VMA_HUGE},
	{MADV_DONTDUMP, 0, NULL, VMA_DONTDUMP, 0},
	{MADV_DODUMP, NOT_SPECIAL, NULL, 0, VMA_DONTDUMP},
	/* No effect: the host merges pages. */
	{MADV_MERGEABLE, 0, NULL, 0, 0},
	{MADV_UNMERGEABLE, 0, NULL, 0, 0},
	/* No effect: the kernel reclaims no pages. */
	{MADV_COLD, NOT_LOCKED | NOT_SPECIAL, NULL, 0, 0},
	{MADV_PAGEOUT, NOT_LOCKED | NOT_SPECIAL, NULL, 0, 0},
};

static bool refused(const struct advice *a, const struct vma *v)
{
	return ((a->refused & NOT_LOCKED) && (v->flags & VMA_LOCKED)) ||
	       ((a->refused & NOT_FILE) && (is_of_host(v) || (v->flags & VMA_SHARED))) ||
	       ((a->refused & NOT_ANON) && !is_of_host(v)) ||
	       ((a->refused & NOT_SPECIAL) && (vma_traits(v) & VM_SPECIAL));
}

/* mseal(2) forbids advice that destroys the content of memory which the program cannot write. */
static bool sealed(const struct advice *a, const struct vma *v)
{
	bool loses = a->act == drop_pages || a->act == remove_pages ||
		     (a->set & (VMA_DONTFORK | VMA_WIPEONFORK));

	return (v->flags & VMA_SEALED) && loses && !v->backing && !(v->flags & VMA_SHARED) &&
	       !(v->prot & PROT_WRITE);
}

/*
 * Advice on memory that its backing manages (VM_MANAGED). The program can drop pages, but cannot
 * choose how they are mapped or what a child gets: MADV_WIPEONFORK fails, other advice is ignored.
 */
static int apply_managed(struct mm *mm, const struct advice *a, struct vma *v, u64 start, u64 end)
{
	if (!mm_may_change(mm, start, end))
		return -ENOMEM;
	if (a->set & VMA_WIPEONFORK)
		return -EINVAL;
	return a->act ? a->act(mm, v, start, end) : 0;
}

static int apply(struct mm *mm, const struct advice *a, struct vma *v, u64 start, u64 end)
{
	u32 flags = (v->flags | a->set) & ~a->clear;
	int err;

	if (refused(a, v))
		return -EINVAL;
	if (sealed(a, v))
		return -EPERM;
	if (vma_traits(v) & VM_MANAGED)
		return apply_managed(mm, a, v, start, end);
	if (a->act)
		return a->act(mm, v, start, end);
	if (flags == v->flags)
		return 0;
	err = mm_cut(mm, start, end);
	if (err)
		return err == -ENOMEM ? -EAGAIN : err;
	v = vma_find(mm, start);
	v->flags = flags;
	vma_merge(mm, v);
	return 0;
}

static s64 advise_range(struct mm *mm, const struct advice *a, u64 start, u64 end)
{
	bool hole = false;

	while (start < end) {
		struct vma *v = vma_find(mm, start);
		u64 stop;
		int err;

		if (!v || v->start >= end)
			return -ENOMEM;
		/* As on Linux, holes are skipped and reported at the end. */
		hole = hole || v->start > start;
		start = MAX(start, v->start);
		stop = MIN(end, v->end);
		err = apply(mm, a, v, start, stop);
		if (err)
			return err;
		start = stop;
	}
	return hole ? -ENOMEM : 0;
}

static s64 populate(struct mm *mm, u64 start, u64 end, int advice)
{
	enum mm_access access = advice == MADV_POPULATE_WRITE ? MM_WRITE : MM_READ;
	struct vma *v = vma_find(mm, start);

	/* MADV_POPULATE_* fails with EINVAL, not EFAULT, if the VMA does not allow the access. */
	for (; v && v->start < end; v = vma_next(v))
		if (access == MM_WRITE ? !(v->prot & PROT_WRITE) : !v->prot)
			return -EINVAL;
	return mm_populate_locked(mm, start, end, access);
}

s64 mm_advise(struct mm *mm, u64 addr, u64 len, int advice)
{
	const struct advice *a = NULL;
	bool populates = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
	u64 end;
	s64 ret;

	for (unsigned i = 0; i < ARRAY_SIZE(advices); i++)
		if (advices[i].number == advice)
			a = &advices[i];
	if (!a && !populates)
		return -EINVAL;
	end = addr + ALIGN_UP(len, PAGE_SIZE);
	if (!IS_ALIGNED(addr, PAGE_SIZE) || ALIGN_UP(len, PAGE_SIZE) < len || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	mutex_lock(&mm->lock);
	ret = populates ? populate(mm, addr, end, advice) : advise_range(mm, a, addr, end);
	mutex_unlock(&mm->lock);
	return ret;
}
