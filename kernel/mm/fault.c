// SPDX-License-Identifier: MIT
/*
 * Page faults: finding or making the page that a VMA shows at an address.
 *
 * On hosts without hardware virtualization a fault costs about 17 us, and one more page-table entry
 * costs next to nothing. So a fault maps a batch of pages: fresh frames are zero already and cost
 * the host nothing until they are touched. The batch of a VMA grows while the program accesses it
 * sequentially.
 */
#include <linux/mman.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/resource.h>
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/stats.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/text_cache.h"
#include "kernel/mm/window.h"

#define BATCH_ANON   16 /* pages */
#define BATCH_STACK  2	/* of a thread's stack: most threads use no more, and there may be many */
#define BATCH_MAIN   8	/* of the stack that execve(2) makes */
#define BATCH_FILE   64
#define BATCH_COPY   16		   /* pages of a data segment that are copied together at first */
#define BATCH_COPIES 64		   /* the same, from the second time on */
#define DATA_SMALL   (2UL << 20)   /* data segments up to this size are copied before a write */
#define DATA_AHEAD   (256UL << 10) /* data segments and text up to this size are mapped ahead */
#define TEXT_AHEAD   (4UL << 20)
#define READ_LEAST   3	/* least pages for which one hostcall is cheaper than a window */
#define BATCH_SHARED 64 /* pages shared by fork that a sequential writer gets copied */
#define BATCH_MAX    (HUGE_SIZE / PAGE_SIZE)

/* The program uses the VMA from its end down. */
static bool grows_down(const struct vma *v)
{
	return v->flags & (VMA_GROWSDOWN | VMA_THREAD_STACK);
}

/*
 * Returns how many pages to map: at first `least`, and four times as many as last time if the fault
 * is where the last batch ended. With scarce RAM, anonymous memory gets one page.
 */
static u64 batch_pages(struct vm_fault *f, u32 least)
{
	struct vma *v = f->vma;
	u64 slack = BATCH_ANON * PAGE_SIZE;
	bool follows = grows_down(v) ? f->page < v->next_fault && v->next_fault - f->page <= slack
				     : v->next_fault && f->page - v->next_fault < slack;

	v->batch = follows ? MIN(MAX(v->batch, least) * 4, BATCH_MAX) : least;
	return frame_scarce() && !vma_window(v) ? 1 : v->batch;
}

static u64 vma_limit(const struct vm_fault *f)
{
	return f->limit ? MIN(f->vma->end, f->limit) : f->vma->end;
}

/* Chooses the pages to map: within the VMA and the aligned 2 MiB around the fault. */
static void batch_range(struct vm_fault *f, u32 least, u64 *start, u64 *end)
{
	struct vma *v = f->vma;
	u64 n = batch_pages(f, least);

	if (n < least) {
		*start = f->page;
		*end = f->page + n * PAGE_SIZE;
	} else if (v->flags & VMA_THREAD_STACK) {
		*end = f->page + PAGE_SIZE;
		*start = *end - MIN(n * PAGE_SIZE, *end);
	} else if (v->flags & VMA_GROWSDOWN) {
		*end = ALIGN_DOWN(f->page, least * PAGE_SIZE) + least * PAGE_SIZE;
		*start = *end - MIN(n * PAGE_SIZE, *end);
	} else if (v->end - v->start <= least * PAGE_SIZE) {
		*start = v->start;
		*end = v->end;
	} else {
		*start = ALIGN_DOWN(f->page, least * PAGE_SIZE);
		*end = *start + n * PAGE_SIZE;
	}
	*start = MAX(MAX(*start, v->start), ALIGN_DOWN(f->page, HUGE_SIZE));
	*end = MIN(MIN(*end, vma_limit(f)), ALIGN_DOWN(f->page, HUGE_SIZE) + HUGE_SIZE);
	v->next_fault = grows_down(v) ? *start : *end;
}

/*
 * Maps up to count fresh pages from one block of frames, or a single page if there is no block.
 * Returns how many; 0: no memory.
 */
static u64 map_fresh(struct vm_fault *f, u64 *entry, u64 count)
{
	unsigned order = 63 - __builtin_clzl(count);
	u64 gpa = frame_alloc(order, FRAME_ZERO | FRAME_USER);

	if (!gpa && order) {
		order = 0;
		gpa = frame_alloc(0, FRAME_ZERO | FRAME_USER);
	}
	if (!gpa)
		return 0;
	frame_split(gpa, order);
	for (u64 i = 0; i < 1UL << order; i++)
		pt_set(f->mm, &entry[i], pt_value(f->vma, gpa + i * PAGE_SIZE, PTE_OWNED));
	STATS_ADD(pages_mapped, 1UL << order);
	return 1UL << order;
}

/* Maps a 2 MiB page if the VMA covers it and either asks for it or is accessed sequentially. */
static bool fault_huge(struct vm_fault *f)
{
	struct vma *v = f->vma;
	u64 base = ALIGN_DOWN(f->page, HUGE_SIZE), gpa, *entry;

	if ((v->flags & VMA_NOHUGE) || base < v->start || base + HUGE_SIZE > v->end ||
	    frame_scarce())
		return false;
	if (!(v->flags & VMA_HUGE) && !(f->page == v->next_fault && v->batch == BATCH_MAX))
		return false;
	entry = pt_alloc_huge(f->mm, base);
	if (!entry || *entry)
		return false;
	gpa = frame_alloc(FRAME_ORDER_HUGE, FRAME_ZERO | FRAME_USER);
	if (!gpa)
		return false;
	frame_split(gpa, FRAME_ORDER_HUGE);
	pt_set(f->mm, entry, pt_value(v, gpa, PTE_OWNED | PTE_PS));
	v->next_fault = base + HUGE_SIZE;
	v->batch = BATCH_MAX;
	STATS_INC(huge_mapped);
	return true;
}

static u32 batch_first(const struct vma *v)
{
	if (!(v->flags & VMA_THREAD_STACK))
		return BATCH_ANON;
	return v->flags & VMA_STACK ? BATCH_MAIN : BATCH_STACK;
}

static int fault_anon(struct vm_fault *f)
{
	u64 start, end, *entry;

	STATS_INC(fault_fresh);
	if (fault_huge(f))
		return 0;
	batch_range(f, batch_first(f->vma), &start, &end);
	/* The range lies within 2 MiB, so one page table has all its entries. */
	entry = pt_alloc(f->mm, start);
	if (!entry)
		return -ENOMEM;
	for (u64 n = (end - start) / PAGE_SIZE, i = 0; i < n;) {
		u64 run = 0, mapped;

		while (i + run < n && !entry[i + run])
			run++;
		if (!run) {
			i++;
			continue;
		}
		mapped = map_fresh(f, &entry[i], run);
		if (!mapped)
			break;
		i += mapped;
	}
	entry += (f->page - start) / PAGE_SIZE;
	return *entry || map_fresh(f, entry, 1) ? 0 : -ENOMEM;
}

/* Copies a page of RAM or of a window into a new frame. Returns the frame, or 0 with *err. */
static u64 copy_page(u64 from, bool window, int *err)
{
	u64 gpa = frame_alloc(0, FRAME_USER);

	*err = -ENOMEM;
	if (!gpa)
		return 0;
	*err = 0;
	if (!window)
		memcpy(phys_to_virt(gpa), phys_to_virt(from), PAGE_SIZE);
	else if (arch_copy(phys_to_virt(gpa), phys_to_virt(from), PAGE_SIZE))
		*err = -EIO;
	if (*err) {
		frame_put(gpa);
		return 0;
	}
	STATS_INC(cow_copies);
	return gpa;
}

static u64 file_offset(const struct vma *v, u64 va)
{
	return v->offset + (va - v->start);
}

static u64 window_gpa(const struct vma *v, u64 va)
{
	const struct window *w = vma_window(v);

	return w->gpa + (file_offset(v, va) - w->offset);
}

/*
 * A data segment of a program or library: a private, writable mapping of a file that was opened
 * for reading only. Programs write most of its pages (relocations, reference counts), so pages are
 * copied with their neighbours; those of a small segment at the first access. This does not hold
 * for a file that the program can change: a page must show such changes until it is written.
 */
static bool is_data_segment(const struct vma *v)
{
	return (v->prot & PROT_WRITE) && !(v->flags & VMA_SHARED) && vma_window(v)->reader >= 0 &&
	       !frame_scarce();
}

/*
 * Reads count pages of v's file from va on into fresh frames, and stores their addresses in gpa[].
 * One hostcall is cheaper than copying through the window, where each page costs an exit under
 * shadow paging. Returns false if the caller has to copy through the window.
 */
static bool read_pages(const struct vma *v, u64 va, u64 count, u64 *gpa)
{
	struct hostcall_seg seg[BATCH_COPIES];
	struct segs segs = {0, seg};
	u64 done = 0;
	s64 got = 0;

	for (; done < count; done++) {
		gpa[done] = frame_alloc(0, FRAME_USER);
		if (!gpa[done])
			break;
		if (done && gpa[done] == gpa[done - 1] + PAGE_SIZE)
			seg[segs.count - 1].len += PAGE_SIZE;
		else
			seg[segs.count++] = (struct hostcall_seg){gpa[done], PAGE_SIZE};
	}
	if (done == count)
		got = hc_preadv2(vma_window(v)->reader, &segs, file_offset(v, va), 0);
	/* Only the last page may be cut by the file's end. */
	if (got <= (s64)((count - 1) * PAGE_SIZE)) {
		while (done)
			frame_put(gpa[--done]);
		return false;
	}
	memset((char *)phys_to_virt(gpa[count - 1]) + (got & PAGE_MASK), 0,
	       count * PAGE_SIZE - got);
	STATS_ADD(cow_copies, count);
	return true;
}

/*
 * Chooses the pages to copy for a fault: in a data segment, neighbours that are not copied yet.
 * Returns the entry of the first.
 */
static u64 *copy_range(struct vm_fault *f, u64 *start, u64 *end)
{
	struct vma *v = f->vma;
	u64 pages = 1, low, high, *entry;

	if (is_data_segment(v)) {
		pages = v->batch >= BATCH_COPY ? BATCH_COPIES : BATCH_COPY;
		v->batch = BATCH_COPY;
	}
	low = MAX(ALIGN_DOWN(f->page, pages * PAGE_SIZE), v->start);
	high = MIN(ALIGN_DOWN(f->page, pages * PAGE_SIZE) + pages * PAGE_SIZE, v->end);
	high = low + window_bytes(vma_window(v), file_offset(v, low), high - low);
	/* The range lies within 2 MiB, so one page table has all its entries. */
	entry = pt_alloc(f->mm, f->page);
	*start = f->page;
	*end = f->page + PAGE_SIZE;
	while (entry && *end < high && !(entry[(*end - f->page) / PAGE_SIZE] & PTE_OWNED))
		*end += PAGE_SIZE;
	while (entry && *start > low && !(entry[-1] & PTE_OWNED)) {
		*start -= PAGE_SIZE;
		entry--;
	}
	return entry;
}

/*
 * Copies a private page of a file; in a data segment, its neighbours too. Pages that were mapped
 * read-only are flushed: the kernel may write to a copy without a fault, and the program must not
 * read the old page then.
 */
static int copy_window(struct vm_fault *f)
{
	struct vma *v = f->vma;
	struct pt_flush flush = PT_FLUSH_INIT;
	u64 start, end, gpa[BATCH_COPIES] = {0}, *entry = copy_range(f, &start, &end);
	bool together = end - start >= READ_LEAST * PAGE_SIZE;
	int ret = 0;

	STATS_INC(fault_file_copy);
	if (!entry)
		return -ENOMEM;
	together = together && read_pages(v, start, (end - start) / PAGE_SIZE, gpa);

	for (u64 va = start, i = 0; va < end; va += PAGE_SIZE, entry++, i++) {
		int err = -ENOMEM;

		if (!together)
			gpa[i] = copy_page(window_gpa(v, va), true, &err);
		if (!gpa[i] && va == f->page)
			ret = err;
		if (!gpa[i])
			continue;
		if (*entry)
			pt_flush_add(&flush, va, va + PAGE_SIZE);
		pt_set(f->mm, entry, pt_value(v, gpa[i], PTE_OWNED));
		STATS_INC(pages_mapped);
	}
	pt_flush_now(f->mm, &flush);
	return ret;
}

/* Maps 2 MiB of text as one page if the VMA, the alignment and the file's size allow it. */
static bool map_text_huge(struct vm_fault *f)
{
	struct vma *v = f->vma;
	u64 base = ALIGN_DOWN(f->page, HUGE_SIZE), gpa, count, *entry;

	if ((v->flags & VMA_NOHUGE) || base < v->start || base + HUGE_SIZE > vma_limit(f) ||
	    !IS_ALIGNED(file_offset(v, base), HUGE_SIZE))
		return false;
	entry = pt_alloc_huge(f->mm, base);
	if (!entry || *entry)
		return false;
	count = text_take(v, file_offset(v, base), BATCH_MAX, &gpa);
	if (count < BATCH_MAX) {
		if (count)
			frame_put_range(gpa, count);
		return false;
	}
	pt_set(f->mm, entry, pt_value(v, gpa, PTE_OWNED | PTE_PS));
	STATS_INC(huge_mapped);
	return true;
}

/* Maps up to count pages of a file from va on: a text copy or the window. Returns how many. */
static u64 map_file_run(struct vm_fault *f, u64 va, u64 *entry, u64 count)
{
	struct vma *v = f->vma;
	u64 gpa, bits = PTE_OWNED, n = 0;

	if (text_fits(v))
		n = text_take(v, file_offset(v, va), count, &gpa);
	if (!n) {
		n = count;
		gpa = window_gpa(v, va);
		bits = 0;
	}
	for (u64 i = 0; i < n; i++)
		pt_set(f->mm, &entry[i], pt_value(v, gpa + i * PAGE_SIZE, bits));
	STATS_ADD(pages_mapped, n);
	return n;
}

int window_populate(struct vm_fault *f)
{
	struct vma *v = f->vma;
	u64 start, end, *entry;

	if (!window_has_page(vma_window(v), file_offset(v, f->page)))
		return -EIO;
	if ((f->access == MM_WRITE && !(v->flags & VMA_SHARED)) ||
	    (is_data_segment(v) && v->end - v->start <= DATA_SMALL))
		return copy_window(f);
	STATS_INC(fault_window);
	if (text_fits(v) && map_text_huge(f))
		return 0;
	batch_range(f, text_fits(v) ? BATCH_MAX : BATCH_FILE, &start, &end);
	end = start + window_bytes(vma_window(v), file_offset(v, start), end - start);
	entry = pt_alloc(f->mm, start);
	if (!entry)
		return -ENOMEM;
	for (u64 n = (end - start) / PAGE_SIZE, i = 0; i < n;) {
		u64 run = 0;

		while (i + run < n && !entry[i + run])
			run++;
		i += run ? map_file_run(f, start + i * PAGE_SIZE, &entry[i], run) : 1;
	}
	return 0;
}

static bool is_of_program(const struct vma *v)
{
	return v && (v->flags & VMA_DENYWRITE) && !(v->flags & VMA_SHARED) && v->prot &&
	       vma_window(v);
}

/* The zeros behind a data segment: .bss. */
static bool is_bss(struct vma *v)
{
	struct vma *prev = vma_prev(v);

	return !v->backing && (v->prot & PROT_WRITE) && is_of_program(prev) &&
	       prev->end == v->start && (prev->prot & PROT_WRITE);
}

/* Maps the pages of f.vma from f.page to f.limit that are not mapped, batch by batch. */
static void map_rest(struct vm_fault *f, u64 step)
{
	struct pt_leaf leaf;

	for (; f->page < f->limit; f->page = ALIGN_DOWN(f->page, step) + step)
		if (!pt_find(f->mm, f->page, &leaf) && f->vma->backing->ops->populate(f))
			return;
}

void mm_map_ahead_small(struct mm *mm, u64 addr, u64 size)
{
	struct vm_fault f = {mm, vma_find(mm, addr), addr, MM_READ, addr + size};
	struct pt_leaf leaf;

	ASSERT_HELD(&mm->lock);
	if (frame_scarce() || size > DATA_AHEAD)
		return;
	if (is_of_program(f.vma) && text_fits(f.vma))
		map_rest(&f, HUGE_SIZE);
	if (f.vma->backing || !(f.vma->prot & PROT_WRITE) || size > BATCH_ANON * PAGE_SIZE)
		return;
	for (; f.page < f.limit; f.page += PAGE_SIZE)
		if (!pt_find(mm, f.page, &leaf) && fault_anon(&f))
			return;
}

/* Maps the part of a library before v: the file's headers and symbols, which are read first. */
static void map_head(struct mm *mm, struct vma *v)
{
	struct vma *head = vma_prev(v);

	if (is_of_program(head) && head->end == v->start && !head->offset && text_fits(head) &&
	    head->end - head->start <= TEXT_AHEAD)
		map_rest(&(struct vm_fault){mm, head, head->start, MM_READ, head->end}, HUGE_SIZE);
}

void mm_map_ahead(struct mm *mm, u64 addr, u64 size)
{
	/* The VMA may be larger: a part that was merged with what is still the whole library. */
	struct vm_fault f = {mm, vma_find(mm, addr), addr, MM_READ, addr + size};
	u64 step = HUGE_SIZE;

	ASSERT_HELD(&mm->lock);
	if (frame_scarce())
		return;
	if (is_bss(f.vma)) {
		fault_anon(&f);
		return;
	}
	if (!is_of_program(f.vma))
		return;
	if (is_data_segment(f.vma) && size <= DATA_AHEAD)
		step = BATCH_COPY * PAGE_SIZE;
	else if (!text_fits(f.vma) || size > TEXT_AHEAD)
		return;
	map_rest(&f, step);
	if (f.vma->start == addr)
		map_head(mm, f.vma);
}

/*
 * Serves a write to a page whose frame is no longer shared. Makes writable this page and all pages
 * of the VMA in the same page table whose frames are not shared: a child that shared them has
 * probably ended.
 */
static void make_writable(struct vm_fault *f, struct pt_leaf *leaf)
{
	struct vma *v = f->vma;
	u64 start = MAX(ALIGN_DOWN(f->page, HUGE_SIZE), v->start);
	u64 end = MIN(ALIGN_DOWN(f->page, HUGE_SIZE) + HUGE_SIZE, v->end);
	u64 *first = leaf->entry - (f->page - start) / PAGE_SIZE;

	STATS_INC(fault_upgrade);
	if (leaf->size == PAGE_SIZE)
		frame_note_rewritten(pt_gpa(*leaf->entry));
	/* VM_ALIASED: a neighbour's frame may be mapped twice here, so only this entry changes. */
	if (leaf->size == HUGE_SIZE || (vma_traits(v) & VM_ALIASED)) {
		pt_set(f->mm, leaf->entry, pt_value(v, pt_gpa(*leaf->entry), *leaf->entry));
		return;
	}
	for (u64 *e = first; e < first + (end - start) / PAGE_SIZE; e++)
		if ((*e & (PTE_P | PTE_OWNED)) == (PTE_P | PTE_OWNED))
			pt_set(f->mm, e, pt_value(v, pt_gpa(*e), *e));
}

/*
 * Copies a shared frame. For a program that writes sequentially, copies those behind it too: one
 * flush for all is cheaper than a fault for each.
 */
static int copy_frames(struct vm_fault *f, u64 *entry)
{
	struct vma *v = f->vma;
	u64 most = f->page == v->next_copy ? BATCH_SHARED : 1;
	u64 end = MIN(v->end, ALIGN_DOWN(f->page, HUGE_SIZE) + HUGE_SIZE);
	u64 n = MIN(most, (end - f->page) / PAGE_SIZE), copied = 0;
	u64 old[BATCH_SHARED];
	int err = 0;

	STATS_INC(fault_cow);
	for (u64 i = 0; i < n; i++) {
		u64 gpa = pt_gpa(entry[i]);

		if ((entry[i] & (PTE_P | PTE_OWNED | PTE_W)) != (PTE_P | PTE_OWNED))
			break;
		if (!pt_unshared(entry[i])) {
			old[copied] = gpa;
			gpa = copy_page(gpa, false, &err);
			if (!gpa)
				break;
			frame_note_rewritten(old[copied++]);
			frame_note_rewritten(gpa);
		}
		pt_set(f->mm, &entry[i], pt_value(v, gpa, PTE_OWNED));
		v->next_copy = f->page + (i + 1) * PAGE_SIZE;
	}
	if (err && !copied)
		return err;
	/* Flush now: a signal handler may read the page before the write is retried. */
	mm_flush(f->mm, f->page, v->next_copy);
	for (u64 i = 0; i < copied; i++)
		frame_put(old[i]);
	return 0;
}

/* Serves a write to a private page that is mapped read-only. */
static int copy_on_write(struct vm_fault *f, struct pt_leaf *leaf)
{
	u64 *entry = leaf->entry;

	if ((*entry & PTE_OWNED) && pt_unshared(*entry)) {
		make_writable(f, leaf);
		return 0;
	}
	if (!(*entry & PTE_OWNED))
		return f->vma->backing->ops->populate(f);
	if (leaf->size == HUGE_SIZE)
		entry = pt_alloc(f->mm, f->page);
	return entry ? copy_frames(f, entry) : -ENOMEM;
}

static int fault_present(struct vm_fault *f, struct pt_leaf *leaf)
{
	u64 old = *leaf->entry;

	KASSERT(old & PTE_P);			      /* parked: only if no access is allowed */
	if (f->access != MM_WRITE || (old & PTE_W)) { /* another vCPU has served the fault */
		STATS_INC(fault_there);
		return 0;
	}
	KASSERT(!(f->vma->flags & VMA_SHARED));
	return copy_on_write(f, leaf);
}

/*
 * Grows the stack v down to the page, and a little further for the batch. Returns NULL where Linux
 * does not grow it: v is no stack, RLIMIT_STACK, RLIMIT_AS, or a mapping within the guard gap.
 */
static struct vma *grow_stack(struct mm *mm, struct vma *v, u64 page)
{
	struct vma *prev;
	u64 low = MM_MIN_ADDR, limit = mm_rlimit(RLIMIT_STACK), start;

	if (!v || !(v->flags & VMA_GROWSDOWN))
		return NULL;
	prev = vma_prev(v);
	if (prev) {
		bool guard = !(prev->flags & VMA_GROWSDOWN) && prev->prot != PROT_NONE;

		low = MAX(low, prev->end + (guard ? MM_STACK_GAP : 0));
	}
	if (limit < v->end)
		low = MAX(low, ALIGN_UP(v->end - limit, PAGE_SIZE));
	if (page < low || !mm_user_range(page, v->end) ||
	    !mm_may_expand(mm, (v->start - page) >> PAGE_SHIFT, false))
		return NULL;
	start = MAX(ALIGN_DOWN(page, BATCH_ANON * PAGE_SIZE), low);
	if (!mm_user_range(start, v->end) ||
	    !mm_may_expand(mm, (v->start - start) >> PAGE_SHIFT, false))
		start = page;
	v->next_fault = v->start;
	vma_resize(mm, v, start, v->end);
	return v;
}

static bool allowed(const struct vma *v, enum mm_access access)
{
	switch (access) {
	case MM_WRITE:
		return v->prot & PROT_WRITE;
	case MM_EXEC:
		return v->prot & PROT_EXEC;
	case MM_READ:
		break;
	}
	return v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int serve(struct vm_fault *f)
{
	const struct vm_backing *b = f->vma->backing;
	struct pt_leaf leaf;

	if (pt_find(f->mm, f->page, &leaf))
		return fault_present(f, &leaf);
	return b && b->ops->populate ? b->ops->populate(f) : fault_anon(f);
}

static int fail(struct mm_fault_info *info, int signal, int code)
{
	info->signal = signal;
	info->code = code;
	return -EFAULT;
}

int mm_fault_locked(struct mm *mm, u64 addr, enum mm_access access, struct mm_fault_info *info)
{
	struct vm_fault f = {mm, NULL, ALIGN_DOWN(addr, PAGE_SIZE), access, 0};

	ASSERT_HELD(&mm->lock);
	info->addr = addr;
	f.vma = vma_find(mm, f.page);
	if (!f.vma || f.vma->start > f.page)
		f.vma = grow_stack(mm, f.vma, f.page);
	if (!f.vma)
		return fail(info, SIGSEGV, SEGV_MAPERR);
	if (!allowed(f.vma, access))
		return fail(info, SIGSEGV, SEGV_ACCERR);
	switch (serve(&f)) {
	case 0:
		return 0;
	case -ENOMEM:
		return fail(info, SIGKILL, SI_KERNEL);
	case -EIO:
		return fail(info, SIGBUS, BUS_ADRERR);
	default:
		return fail(info, SIGSEGV, SEGV_MAPERR);
	}
}

int mm_fault(struct mm *mm, u64 addr, enum mm_access access, struct mm_fault_info *info)
{
	int ret;

	do {
		mutex_lock(&mm->lock);
		ret = mm_fault_locked(mm, addr, access, info);
		mutex_unlock(&mm->lock);
	} while (ret && info->signal == SIGKILL && oom_make_space());
	return ret;
}

int mm_populate_locked(struct mm *mm, u64 start, u64 end, enum mm_access access)
{
	struct mm_fault_info info;
	struct pt_leaf leaf;

	ASSERT_HELD(&mm->lock);
	for (u64 va = start; va < end;) {
		struct vma *v = vma_find(mm, va);

		if (!v || v->start > va)
			return -ENOMEM;
		if (pt_find(mm, va, &leaf) && (leaf.entry[0] & PTE_P) &&
		    (access != MM_WRITE || (leaf.entry[0] & PTE_W))) {
			va = leaf.va + leaf.size;
			continue;
		}
		/* The caller wants the whole range: begin with the largest batch. */
		v->next_fault = va;
		v->batch = BATCH_MAX;
		if (mm_fault_locked(mm, va, access, &info) < 0)
			return info.signal == SIGKILL ? -ENOMEM : -EFAULT;
		va += PAGE_SIZE;
	}
	return 0;
}
