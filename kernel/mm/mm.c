// SPDX-License-Identifier: MIT
/*
 * Address spaces: creation, copying for fork, destruction; and the figures that /proc reports.
 */
#include <linux/mman.h>
#include "kernel/kernel.h"
#include "kernel/check_hooks.h"
#include "kernel/hostcall.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/spare.h"
#include "kernel/mm/text_cache.h"

void mm_free(struct mm *mm)
{
	pt_destroy(mm);
	KASSERT(!mm->resident_pages && !mm->page_tables);
	pt_free_page(mm->pml4);
	kfree(mm);
}

/* Makes mm empty, with the tables that it has. Without memory, frees mm and returns NULL. */
static struct mm *begin(struct mm *mm)
{
	static u64 last_id;

	*mm = (struct mm){
		.pml4 = mm->pml4,
		.page_tables = mm->page_tables,
		.id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED),
		.users = 1,
		.mmap_top = USER_TOP,
	};
	mutex_init(&mm->lock, LOCK_MM);
	if (check_mm_new(mm) == 0)
		return mm;
	mm_free(mm);
	return NULL;
}

struct mm *mm_new(void)
{
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	mm->pml4 = arch_pagetable_new();
	if (mm->pml4)
		return begin(mm);
	kfree(mm);
	return NULL;
}

void mm_get(struct mm *mm)
{
	__atomic_fetch_add(&mm->users, 1, __ATOMIC_RELAXED);
}

void mm_put(struct mm *mm)
{
	struct release release;
	bool keep;
	struct vma *v;

	if (__atomic_fetch_sub(&mm->users, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	vcpu_evict(mm);
	spare_forget(mm);
	keep = spare_wanted(mm);
	if (keep)
		pt_clear(mm);
	else
		pt_destroy(mm);
	patch_free(mm);
	release_begin(&release);
	while ((v = vma_first(mm))) {
		vma_remove(mm, v);
		vma_free(v);
	}
	release_end(&release);
	check_mm_free(mm);
	kfree(mm->exe_path);
	if (!keep || !spare_keep(mm))
		mm_free(mm);
}

/* Gives the child its VMAs and pages. */
static int copy_vmas(struct mm *child, struct mm *mm, struct pt_flush *flush)
{
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		struct vma *copy;
		int err;

		if (v->flags & VMA_DONTFORK)
			continue;
		copy = vma_dup(v);
		if (!copy)
			return -ENOMEM;
		copy->flags &= ~VMA_LOCKED;
		vma_insert(child, copy);
		if (v->flags & VMA_WIPEONFORK)
			continue;
		err = v->backing && v->backing->ops->fork
			      ? v->backing->ops->fork(child, mm, v, flush)
			      : pt_copy(child, mm, v, flush);
		if (err)
			return err;
	}
	return 0;
}

void mm_inherit(struct mm *mm, const struct mm *from)
{
	mm->mdwe = from->mdwe && !from->mdwe_not_inherited;
	mm->merges = from->merges;
}

static void copy_layout(struct mm *child, const struct mm *mm)
{
	child->mmap_top = mm->mmap_top;
	child->brk_start = mm->brk_start;
	child->brk = mm->brk;
	child->stack_top = mm->stack_top;
	child->code_start = mm->code_start;
	child->code_end = mm->code_end;
	child->data_start = mm->data_start;
	child->data_end = mm->data_end;
	child->interp_start = mm->interp_start;
	child->interp_end = mm->interp_end;
	child->arg_start = mm->arg_start;
	child->arg_end = mm->arg_end;
	child->env_start = mm->env_start;
	child->env_end = mm->env_end;
	child->vdso = mm->vdso;
	child->has_shared_mapping = mm->has_shared_mapping;
	memcpy(child->auxv, mm->auxv, sizeof(child->auxv));
	child->auxv_len = mm->auxv_len;
}

struct mm *mm_dup(struct mm *mm, bool alone)
{
	struct pt_flush flush = PT_FLUSH_INIT;
	struct mm *child = spare_take(mm);
	int err;

	child = child ? begin(child) : mm_new();
	if (!child)
		return NULL;
	child->copied_from = mm->id;
	mutex_lock(&mm->lock);
	copy_layout(child, mm);
	mm_inherit(child, mm);
	child->copies_at_once = alone;
	err = copy_vmas(child, mm, &flush);
	if (!err)
		err = patch_fork(child, mm);
	if (!err)
		err = check_mm_fork(child, mm);
	pt_flush_now(mm, &flush);
	if (!err && mm->exe_path) {
		child->exe_path = kstrdup(mm->exe_path);
		child->exe_dev = mm->exe_dev;
		child->exe_ino = mm->exe_ino;
		err = child->exe_path ? 0 : -ENOMEM;
	}
	mutex_unlock(&mm->lock);
	if (err) {
		mm_put(child);
		return NULL;
	}
	return child;
}

void mm_truncate_locked(struct mm *mm, struct vma *v)
{
	u64 end;

	ASSERT_HELD(&mm->lock);
	if (!v->backing || !v->backing->ops->truncate)
		return;
	end = v->start + v->backing->ops->truncate(v);
	if (end < v->end && !pt_cut(mm, end)) {
		patch_forget(mm, end, v->end);
		pt_unmap(mm, end, v->end, end, v->end);
	}
}

void mm_revalidate_windows(struct mm *mm)
{
	mutex_lock(&mm->lock);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v))
		mm_truncate_locked(mm, v);
	mutex_unlock(&mm->lock);
}

/* /proc */

void mm_vma_resident(struct mm *mm, struct vma *v, struct mm_resident *r)
{
	struct pt_leaf leaf;

	*r = (struct mm_resident){0};
	for (u64 va = v->start; pt_next(mm, va, v->end, &leaf); va = leaf.va + leaf.size) {
		u64 entry = patch_original(mm, leaf.va, *leaf.entry);
		bool owned = entry & PTE_OWNED;
		bool unshared = owned && pt_unshared(entry);

		if (entry & PTE_ALIAS)
			continue;
		r->rss += leaf.size;
		if (owned && (unshared || !text_fits(v)))
			r->anon += leaf.size;
		if (unshared)
			r->private += leaf.size;
		else
			r->shared += leaf.size;
	}
}

void mm_vma_name(struct mm *mm, struct vma *v, char *buf, u32 size)
{
	const char *name = "";

	if (v->backing && v->backing->ops->name) {
		v->backing->ops->name(v, buf, size);
		return;
	}
	if (v->start <= mm->brk && v->end >= mm->brk_start && mm->brk > mm->brk_start)
		name = "[heap]";
	else if (v->start <= mm->stack_top && v->end >= mm->stack_top)
		name = "[stack]";
	snprintf(buf, size, "%s", name);
}

static u64 text_of(const struct mm *mm)
{
	return ALIGN_UP(mm->code_end, PAGE_SIZE) - ALIGN_DOWN(mm->code_start, PAGE_SIZE);
}

void mm_usage(struct mm *mm, struct mm_usage *u)
{
	u64 exec = 0;

	mutex_lock(&mm->lock);
	*u = (struct mm_usage){
		.vsz = mm->total_pages * PAGE_SIZE,
		.vsz_peak = mm->total_peak * PAGE_SIZE,
		.rss = mm->resident_pages * PAGE_SIZE,
		.rss_peak = mm->peak_pages * PAGE_SIZE,
		.data = mm_data_pages(mm) * PAGE_SIZE,
		.text = text_of(mm),
		.locked = mm->locked_pages * PAGE_SIZE,
		.page_tables = mm->page_tables * PAGE_SIZE,
	};
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		struct mm_resident r;

		mm_vma_resident(mm, v, &r);
		u->rss_anon += r.anon;
		if (vma_traits(v) & VM_SHMEM)
			u->rss_shmem += r.rss - r.anon;
		else if (vma_window(v))
			u->rss_file += r.rss - r.anon;
		if (v->flags & VMA_GROWSDOWN)
			u->stack += v->end - v->start;
		if ((v->prot & PROT_EXEC) && !(v->prot & PROT_WRITE))
			exec += v->end - v->start;
	}
	u->lib = exec > u->text ? exec - u->text : 0;
	mutex_unlock(&mm->lock);
}
