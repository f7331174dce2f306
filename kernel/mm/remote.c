// SPDX-License-Identifier: MIT
/*
 * See remote.h. The copy goes page by page: under mm.lock, a page is faulted in as an access of the
 * process itself would do it, and is copied before the lock is released.
 *
 * A forced access widens the VMA's permissions while the page is faulted in and copied. Before the
 * lock is released, it restores the VMA's permissions and adapts the entries to them. So the
 * process never gains a permission, and a private page that was written is a copy.
 */
#include "kernel/mm/remote.h"
#include <asm/signal.h>
#include <linux/mman.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/kernel.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/mm_needs.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"

/* Finds the leaf of va and makes it fit for this access. Returns 0, -EFAULT, or -ENOMEM. */
static int find_leaf(struct mm *mm, u64 va, enum mm_access access, struct pt_leaf *leaf)
{
	struct mm_fault_info info;

	ASSERT_HELD(&mm->lock);
	while (!pt_find(mm, va, leaf) || !(*leaf->entry & PTE_P) ||
	       (access == MM_WRITE && !(*leaf->entry & PTE_W))) {
		if (mm_fault_locked(mm, va, access, &info) < 0)
			return info.signal == SIGKILL ? -ENOMEM : -EFAULT;
	}
	return 0;
}

/* Copies at most len bytes, up to the end of the page. Returns how many, -EFAULT or -ENOMEM. */
static s64 copy_in_page(struct mm *mm, u64 va, void *buf, u64 len, bool write)
{
	struct pt_leaf leaf;
	int err = find_leaf(mm, va, write ? MM_WRITE : MM_READ, &leaf);
	char *at;

	ASSERT_HELD(&mm->lock);
	if (err)
		return err;
	at = phys_to_virt(pt_gpa(patch_original(mm, leaf.va, *leaf.entry)) + (va - leaf.va));
	len = MIN(len, PAGE_SIZE - (va & PAGE_MASK));
	/* The page of a window is missing if its file was truncated. */
	if (write ? arch_copy(at, buf, len) : arch_copy(buf, at, len))
		return -EFAULT;
	return (s64)len;
}

/* Returns the PROT_* that a forced access needs and may have beyond the VMA's own; 0: none. */
static u32 forced_prot(struct mm *mm, const struct vma *v, bool write)
{
	u32 wanted = write ? PROT_READ | PROT_WRITE : PROT_READ;

	if ((v->prot & wanted) == wanted || !mm_may_change(mm, v->start, v->end))
		return 0;
	if (v->flags & VMA_SHARED)
		return write ? 0 : v->max_prot & PROT_READ;
	return wanted;
}

/* Adapts the entries around va to the VMA's permissions, which have changed. */
static void follow_permissions(struct mm *mm, const struct vma *v, u64 va)
{
	u64 base = ALIGN_DOWN(va, HUGE_SIZE);
	struct pt_flush flush = PT_FLUSH_INIT;

	ASSERT_HELD(&mm->lock);
	/* A fault can map neighbours too, within the aligned 2 MiB around it. */
	pt_protect(mm, v, MAX(base, v->start), MIN(base + HUGE_SIZE, v->end), &flush);
	pt_flush_now(mm, &flush);
}

static s64 copy_forced(struct mm *mm, u64 va, void *buf, u64 len, bool write)
{
	struct vma *v = vma_find(mm, va);
	u32 more = v && v->start <= va ? forced_prot(mm, v, write) : 0;
	u32 own;
	s64 n;

	ASSERT_HELD(&mm->lock);
	if (!more)
		return copy_in_page(mm, va, buf, len, write);
	if (write)
		patch_undo(mm, va, va + 1);
	own = v->prot;
	v->prot |= more;
	follow_permissions(mm, v, va); /* makes a parked page present: pagetable.h */
	n = copy_in_page(mm, va, buf, len, write);
	v->prot = own;
	follow_permissions(mm, v, va);
	return n;
}

u64 mm_remote_copy(struct mm *mm, u64 addr, void *buf, u64 len, u32 how)
{
	bool write = how & MM_REMOTE_WRITE;
	u64 done = 0;

	while (done < len) {
		u64 va = addr + done;
		s64 n = -EFAULT;

		if (va >= USER_TOP)
			break;
		mutex_lock(&mm->lock);
		if (arch_user_range(va, va + 1))
			n = how & MM_REMOTE_FORCE
				    ? copy_forced(mm, va, (char *)buf + done, len - done, write)
				    : copy_in_page(mm, va, (char *)buf + done, len - done, write);
		mutex_unlock(&mm->lock);
		if (n == -ENOMEM && oom_make_space())
			continue;
		if (n < 0)
			break;
		done += (u64)n;
	}
	return done;
}
