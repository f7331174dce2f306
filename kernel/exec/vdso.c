// SPDX-License-Identifier: MIT
/* See vdso.h. All programs share the kernel's own pages, read-only, through two backings. */
#include <linux/mman.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/exec/vdso.h"
#include "kernel/kernel.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"
#include "kernel/time/clock.h"

/* The file vdso.so, page-aligned and padded to a page: the build puts it here. */
extern const u8 vdso_start[], vdso_end[];

/* Maps a page of v to the kernel's memory at start. Returns 0 or -ENOMEM. */
static int show(struct mm *mm, const struct vma *v, u64 page, const void *start)
{
	u64 offset = v->offset + (page - v->start);
	u64 *entry = pt_alloc(mm, page);

	if (!entry)
		return -ENOMEM;
	pt_set(mm, entry, pt_value(v, virt_to_phys(start) + offset, 0));
	return 0;
}

static int populate(struct vm_fault *f, const void *start)
{
	return show(f->mm, f->vma, f->page, start);
}

static int data_populate(struct vm_fault *f)
{
	return populate(f, clock_page());
}

static void data_name(__attribute__((unused)) const struct vma *v, char *buf, u32 size)
{
	snprintf(buf, size, "[vvar]");
}

static int code_populate(struct vm_fault *f)
{
	return populate(f, vdso_start);
}

static void code_name(__attribute__((unused)) const struct vma *v, char *buf, u32 size)
{
	snprintf(buf, size, "[vdso]");
}

static const struct vm_backing_ops data_ops = {
	.traits = VM_SPECIAL,
	.populate = data_populate,
	.name = data_name,
};
static const struct vm_backing_ops code_ops = {
	.traits = VM_SPECIAL,
	.populate = code_populate,
	.name = code_name,
};
static struct vm_backing data = {.ops = &data_ops}, code = {.ops = &code_ops};

int vdso_map(struct mm *mm)
{
	u64 size = ALIGN_UP((u64)(vdso_end - vdso_start), PAGE_SIZE);
	s64 addr, ret;

	KASSERT(IS_ALIGNED((u64)vdso_start, PAGE_SIZE));
	mutex_lock(&mm->lock);
	addr = (s64)vma_gap_down(mm, PAGE_SIZE, mm->mmap_top, PAGE_SIZE + size, PAGE_SIZE);
	mutex_unlock(&mm->lock);
	if (addr == 0)
		return -ENOMEM;
	ret = mm_map_backing(mm, (u64)addr, PAGE_SIZE, PROT_READ, &data);
	if (ret < 0)
		return (int)ret;
	ret = mm_map_backing(mm, (u64)addr + PAGE_SIZE, size, PROT_READ | PROT_EXEC, &code);
	if (ret < 0)
		return (int)ret;
	mm->vdso = (u64)addr + PAGE_SIZE;
	/* The C library reads both at its start: two faults less. */
	mutex_lock(&mm->lock);
	show(mm, vma_find(mm, (u64)addr), (u64)addr, clock_page());
	show(mm, vma_find(mm, mm->vdso), mm->vdso, vdso_start);
	mutex_unlock(&mm->lock);
	return 0;
}
