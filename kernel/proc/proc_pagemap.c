// SPDX-License-Identifier: MIT
/*
 * /proc/PID/pagemap: a u64 for each page of the address space, as in Linux's
 * Documentation/admin-guide/mm/pagemap.rst. The page numbers in it are those of the machine, and
 * only for programs with CAP_SYS_ADMIN.
 */
#include <linux/capability.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/fs/io.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/text_cache.h"
#include "kernel/proc/proc_mem.h"
#include "kernel/task/creds.h"

#define PAGEMAP_PRESENT	  (1UL << 63)
#define PAGEMAP_FILE	  (1UL << 61) /* of a file, or shared */
#define PAGEMAP_EXCLUSIVE (1UL << 56) /* only this address space has it */

#define CHUNK		  (PAGE_SIZE / sizeof(u64)) /* entries that are made at once */

static u64 describe(struct mm *mm, const struct pt_leaf *leaf, u64 va, bool numbers)
{
	u64 entry = patch_original(mm, leaf->va, *leaf->entry);
	bool unshared = entry & PTE_OWNED && pt_unshared(entry);
	const struct vma *v = vma_find(mm, va);
	u64 word = PAGEMAP_PRESENT;

	/* As mm_vma_resident. */
	if (!(entry & PTE_OWNED) || !(unshared || !v || !text_fits(v)))
		word |= PAGEMAP_FILE;
	if (unshared)
		word |= PAGEMAP_EXCLUSIVE;
	if (numbers)
		word |= (pt_gpa(entry) + (va - leaf->va)) / PAGE_SIZE;
	return word;
}

/* Describes n pages from the page number first on. */
static void fill(struct mm *mm, u64 first, u64 n, bool numbers, u64 *words)
{
	u64 start = first * PAGE_SIZE, end = start + n * PAGE_SIZE;
	struct pt_leaf leaf;

	memset(words, 0, n * sizeof(*words));
	mutex_lock(&mm->lock);
	for (u64 va = start; va < end && pt_next(mm, va, end, &leaf); va = leaf.va + leaf.size) {
		u64 stop = MIN(leaf.va + leaf.size, end);

		for (va = MAX(va, leaf.va); va < stop; va += PAGE_SIZE)
			words[va / PAGE_SIZE - first] = describe(mm, &leaf, va, numbers);
	}
	mutex_unlock(&mm->lock);
}

s64 proc_pagemap_transfer(u64 id, u64 *pos, struct io_request *rq)
{
	u64 at = rq->offset == IO_AT_POS ? *pos : (u64)rq->offset, total = 0;
	bool numbers = capable(CAP_SYS_ADMIN);
	struct mm *mm;
	s64 err = 0;
	u64 *words;

	if (rq->dir == IO_WRITE)
		return -EINVAL;
	if (at % sizeof(u64) || rq->left % sizeof(u64))
		return -EINVAL;
	mm = proc_mem_find(id);
	if (!mm)
		return 0;
	words = kmalloc(CHUNK * sizeof(*words));
	if (!words)
		err = -ENOMEM;
	while (!err && rq->left) {
		u64 first = (at + total) / sizeof(u64), n = MIN(rq->left / sizeof(u64), CHUNK);

		if (first >= USER_TOP / PAGE_SIZE)
			break;
		n = MIN(n, USER_TOP / PAGE_SIZE - first);
		fill(mm, first, n, numbers, words);
		err = io_copy_out(rq, words, n * sizeof(*words));
		if (!err)
			total += n * sizeof(*words);
	}
	kfree(words);
	mm_put(mm);
	if (rq->offset == IO_AT_POS)
		*pos = at + total;
	return total ? (s64)total : err;
}
