// SPDX-License-Identifier: MIT
/*
 * Mapping, unmapping, protecting and moving: changes of VMAs and of the page tables below them.
 *
 * Order within a change: first what can fail (memory for VMAs and tables, windows), then the page
 * tables, then the VMAs. References to backings are dropped last, when no translation of their
 * pages is left.
 */
#include <linux/mman.h>
#include <linux/resource.h>
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/check_hooks.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/window.h"

#define PROT_ALL       (PROT_READ | PROT_WRITE | PROT_EXEC)

/* As Linux: where the upward search begins when the space below mmap_top is used up. */
#define BOTTOM_UP_BASE ALIGN_DOWN(USER_TOP / 3, PAGE_SIZE)
/* MAP_32BIT's range, mmap(2). */
#define LOW_BASE       UL(0x40000000)
#define LOW_END	       UL(0x80000000)

#define SLOT_SIZE      (1UL << 39)
#define LOWER_HALF     (1UL << 47) /* end of the lower half, whose last page is above USER_TOP */

/* The first VMA that has a byte of [start, end), or NULL. */
static struct vma *first_in(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start);

	return v && v->start < end ? v : NULL;
}

static struct vma *next_in(struct vma *v, u64 end)
{
	v = vma_next(v);
	return v && v->start < end ? v : NULL;
}

int mm_cut(struct mm *mm, u64 start, u64 end)
{
	const u64 at[] = {start, end};

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		struct vma *v = vma_find(mm, at[i]);
		int err;

		if (!v || v->start >= at[i])
			continue;
		err = pt_cut(mm, at[i]);
		if (!err)
			err = vma_split(mm, v, at[i]);
		if (err)
			return err;
	}
	return 0;
}

bool mm_may_change(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *v = first_in(mm, start, end); v; v = next_in(v, end))
		if (v->backing && v->backing->ops->may_change &&
		    !v->backing->ops->may_change(mm, MAX(v->start, start), MIN(v->end, end)))
			return false;
	return true;
}

bool mm_denies_exec(const struct mm *mm, u32 before, u32 after)
{
	return mm->mdwe && (after & PROT_EXEC) && ((after & PROT_WRITE) || !(before & PROT_EXEC));
}

static bool has_sealed(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *v = first_in(mm, start, end); v; v = next_in(v, end))
		if (v->flags & VMA_SEALED)
			return true;
	return false;
}

s64 mm_seal(struct mm *mm, u64 addr, u64 len)
{
	u64 end = addr + len, at = addr;
	s64 ret = 0;

	mutex_lock(&mm->lock);
	for (struct vma *v = first_in(mm, addr, end); v && v->start <= at; v = next_in(v, end))
		at = v->end;
	if (at < end)
		ret = -ENOMEM; /* a hole: nothing is changed */
	if (!ret)
		ret = mm_cut(mm, addr, end);
	for (struct vma *v = first_in(mm, addr, end); !ret && v; v = next_in(v, end))
		v->flags |= VMA_SEALED;
	mutex_unlock(&mm->lock);
	return ret;
}

u64 mm_mapped_pages(struct mm *mm, u64 start, u64 end)
{
	u64 pages = 0;

	for (struct vma *v = first_in(mm, start, end); v; v = next_in(v, end))
		pages += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return pages;
}

static bool is_data(const struct vma *v)
{
	return (v->prot & PROT_WRITE) && !(v->flags & (VMA_SHARED | VMA_GROWSDOWN)) &&
	       !(vma_traits(v) & VM_MANAGED);
}

u64 mm_data_pages(struct mm *mm)
{
	u64 pages = 0;

	for (struct vma *v = vma_first(mm); v; v = vma_next(v))
		if (is_data(v))
			pages += (v->end - v->start) >> PAGE_SHIFT;
	return pages;
}

/* have and pages together, both in pages, are above a limit in bytes. */
static bool above(u64 limit, u64 have, u64 pages)
{
	u64 most = limit >> PAGE_SHIFT;

	return have + pages > most;
}

bool mm_may_expand(struct mm *mm, u64 pages, bool data)
{
	u64 limit = mm_rlimit(RLIMIT_DATA);

	if (above(mm_rlimit(RLIMIT_AS), mm->total_pages, pages))
		return false;
	/* Counting data pages is slow, so it is done only if RLIMIT_DATA is set. */
	return !data || limit == RLIM_INFINITY || !above(limit, mm_data_pages(mm), pages);
}

/* As vm.overcommit_memory = 0: refuses only what is more than all RAM. */
bool mm_may_commit(u64 pages)
{
	struct frame_stats s;

	frame_stats(&s);
	return pages <= s.total;
}

bool mm_user_range(u64 start, u64 end)
{
	return arch_user_range(start, end) && !check_owns(start, end);
}

static bool user_slot(u64 slot)
{
	_Static_assert(IS_ALIGNED(CHK_GUARDED_BASE, SLOT_SIZE) &&
			       IS_ALIGNED(CHK_GUARDED_END, SLOT_SIZE),
		       "a slot is the heap's or not");
	return arch_user_slot(slot) && !check_owns(slot * SLOT_SIZE, (slot + 1) * SLOT_SIZE);
}

/*
 * Returns the highest or lowest free range of len in [low, high) that programs may use, or 0. Skips
 * the ranges of the lower half that the kernel or check owns, by whole top-level slots.
 */
static u64 find_space(struct mm *mm, u64 low, u64 high, u64 len, u64 align, bool down)
{
	u64 (*gap)(struct mm *, u64, u64, u64, u64) = down ? vma_gap_down : vma_gap_up;
	u64 addr = gap(mm, low, high, len, align);

	if (!addr || mm_user_range(addr, addr + len))
		return addr;
	for (u64 n = 0, slots = (high - 1) / SLOT_SIZE - low / SLOT_SIZE + 1; n < slots;) {
		u64 first = down ? (high - 1) / SLOT_SIZE - n : low / SLOT_SIZE + n;
		u64 last = first;

		n++;
		if (!user_slot(first))
			continue;
		for (; n < slots && user_slot(down ? first - 1 : last + 1); n++)
			down ? first-- : last++;
		addr = gap(mm, MAX(low, first * SLOT_SIZE), MIN(high, (last + 1) * SLOT_SIZE), len,
			   align);
		if (addr)
			return addr;
	}
	return 0;
}

/* [addr, addr + len) is free, and reaches into no stack's guard gap. */
static bool is_free(struct mm *mm, u64 addr, u64 len)
{
	struct vma *v = vma_find(mm, addr);
	u64 guard = v && (v->flags & VMA_GROWSDOWN) ? MM_STACK_GAP : 0;

	return !v || addr + len + guard <= v->start;
}

/*
 * Returns true if nothing of the mapping can be accessed: it only keeps addresses. Sanitizers
 * and runtimes make such mappings of many TiB, so in ring-3 mode one may lie over the kernel's
 * physmap, where it is a VMA and nothing else: it gets no page, and no permission later.
 */
static bool is_reservation(u32 prot, u32 flags, const struct vm_source *source)
{
	return !source && (flags & MAP_TYPE) == MAP_PRIVATE && !(prot & PROT_ALL);
}

/* As choose_address for a reservation that fits nowhere but over the physmap. */
static u64 choose_over_physmap(struct mm *mm, u64 len)
{
	u64 addr = vma_gap_down(mm, MM_MIN_ADDR, mm->mmap_top, len, PAGE_SIZE);

	return addr && !check_owns(addr, addr + len) ? addr : 0;
}

/* Chooses the address of a mapping: the hint if it is free, else any. 0: there is none. */
static u64 choose_address(struct mm *mm, u64 hint, u64 len, u32 flags)
{
	bool huge = flags & MAP_ANONYMOUS ? IS_ALIGNED(len, HUGE_SIZE)
					  : len >= HUGE_SIZE && (flags & MAP_DENYWRITE);
	u64 align = huge ? HUGE_SIZE : PAGE_SIZE;
	u64 high = flags & MAP_32BIT ? LOW_END : USER_TOP;
	u64 addr;

	hint = hint ? MAX(ALIGN_UP(hint, PAGE_SIZE), MM_MIN_ADDR) : 0;
	if (hint && hint < high && len <= high - hint && mm_user_range(hint, hint + len) &&
	    is_free(mm, hint, len))
		return hint;
	if (flags & MAP_32BIT)
		return find_space(mm, LOW_BASE, LOW_END, len, PAGE_SIZE, false);
	addr = find_space(mm, MM_MIN_ADDR, mm->mmap_top, len, align, true);
	if (!addr && align > PAGE_SIZE)
		addr = find_space(mm, MM_MIN_ADDR, mm->mmap_top, len, PAGE_SIZE, true);
	if (!addr)
		addr = find_space(mm, BOTTOM_UP_BASE, USER_TOP, len, PAGE_SIZE, false);
	return addr;
}

/*
 * Removes VMAs and pages, so that the range is free. Returns 0, -EPERM if a VMA is sealed, or
 * -ENOMEM.
 */
static int clear_range(struct mm *mm, u64 start, u64 end)
{
	struct vma *v, *prev, *next;
	u32 module = 0;
	int err = has_sealed(mm, start, end) ? -EPERM : mm_cut(mm, start, end);

	if (err)
		return err;
	v = first_in(mm, start, end);
	if (!v)
		return 0;
	prev = vma_prev(v);
	next = vma_find(mm, end);
	patch_forget(mm, start, end);
	pt_unmap(mm, start, end, prev ? prev->end : 0, next ? next->start : LOWER_HALF);
	while (v) {
		struct vma *following = next_in(v, end);

		if (v->flags & VMA_LOCKED)
			mm->locked_pages -= (v->end - v->start) >> PAGE_SHIFT;
		module |= v->flags & VMA_MODULE;
		if (v->flags & VMA_MODULE)
			check_module_goes(mm, v);
		vma_remove(mm, v);
		vma_free(v);
		v = following;
	}
	if (module)
		check_code_changes(mm, start, end, false);
	return 0;
}

s64 mm_unmap_locked(struct mm *mm, u64 addr, u64 len)
{
	ASSERT_HELD(&mm->lock);
	len = ALIGN_UP(len, PAGE_SIZE);
	if (!IS_ALIGNED(addr, PAGE_SIZE) || !len || addr >= USER_TOP || len > USER_TOP - addr)
		return -EINVAL;
	return clear_range(mm, addr, addr + len);
}

s64 mm_unmap(struct mm *mm, u64 addr, u64 len)
{
	s64 ret;

	if (check_owns(addr, addr + len))
		return -EINVAL;
	mutex_lock(&mm->lock);
	ret = mm_unmap_locked(mm, addr, len);
	mutex_unlock(&mm->lock);
	return ret;
}

/* Inserts a VMA into free space. The tree owns it, and may have merged and freed it. */
static void add_vma(struct mm *mm, struct vma *v)
{
	v->flags |= mm->map_flags;
	if (v->flags & VMA_LOCKED)
		mm->locked_pages += (v->end - v->start) >> PAGE_SHIFT;
	vma_insert(mm, v);
	vma_merge(mm, v);
}

/*
 * Opens what is to be mapped. The memory is anonymous if there is no source, or if the source has
 * no backing (/dev/zero); shared anonymous memory gets a window.
 */
static int open_source(const struct vm_source *source, u64 offset, u64 len, u32 prot, bool shared,
		       struct vm_opened *o)
{
	struct window *w;
	int err;

	*o = (struct vm_opened){.max_prot = PROT_ALL};
	err = source ? source->open(source, offset, len, prot, shared, o) : 0;
	if (err || o->backing || !shared)
		return err;
	err = window_anon(len, &w);
	if (!err)
		o->backing = &w->backing;
	return err;
}

static u32 vma_flags(u32 flags, bool shared)
{
	u32 stack = MAP_STACK | MAP_ANONYMOUS;

	return (!shared && (flags & stack) == stack ? VMA_THREAD_STACK : 0) |
	       (shared ? VMA_SHARED : 0) | (flags & MAP_GROWSDOWN ? VMA_GROWSDOWN : 0) |
	       (flags & MAP_NORESERVE ? VMA_NORESERVE : 0) | (flags & MAP_LOCKED ? VMA_LOCKED : 0) |
	       (flags & MAP_DENYWRITE ? VMA_DENYWRITE : 0);
}

s64 mm_map_locked(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags,
		  const struct vm_source *source, u64 offset)
{
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	bool memory = shared ? !source || source->memory : prot & PROT_WRITE;
	bool reservation = is_reservation(prot, flags, source);
	struct vm_opened o;
	struct vma *v;
	s64 ret;

	ASSERT_HELD(&mm->lock);
	if (!len || !IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	if (len > USER_TOP)
		return -ENOMEM;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (source && offset + len < offset)
		return -EOVERFLOW;
	if (mm->vma_count >= MM_MAP_COUNT_MAX)
		return -ENOMEM;
	if (fixed) {
		if (!IS_ALIGNED(addr, PAGE_SIZE))
			return -EINVAL;
		if (addr > USER_TOP - len || (!reservation && !arch_user_range(addr, addr + len)))
			return -ENOMEM;
		if ((flags & MAP_FIXED_NOREPLACE) &&
		    (first_in(mm, addr, addr + len) || check_owns(addr, addr + len)))
			return -EEXIST;
		if (check_owns(addr, addr + len))
			return -ENOMEM;
	} else {
		addr = choose_address(mm, addr, len, flags);
		if (!addr && reservation)
			addr = choose_over_physmap(mm, len);
		if (!addr)
			return -ENOMEM;
	}
	if (memory && !(flags & MAP_NORESERVE) && !mm_may_commit(len >> PAGE_SHIFT))
		return -ENOMEM;

	ret = open_source(source, offset, len, prot, shared, &o);
	if (ret < 0)
		return ret;
	v = kzalloc(sizeof(*v));
	ret = v ? 0 : -ENOMEM;
	if (!ret && fixed)
		ret = clear_range(mm, addr, addr + len);
	if (ret < 0) {
		kfree(v);
		backing_put(o.backing);
		return ret;
	}
	*v = (struct vma){
		.start = addr,
		.end = addr + len,
		.prot = prot & PROT_ALL,
		.max_prot = o.max_prot,
		.flags = vma_flags(flags, shared),
		.backing = o.backing,
		.offset = o.offset,
	};
	if (v->prot & PROT_EXEC)
		check_code_changes(mm, v->start, v->end, true);
	if (shared && (v->max_prot & PROT_WRITE || !o.quiet))
		mm->has_shared_mapping = true;
	add_vma(mm, v);
	if (fixed)
		mm_map_ahead(mm, addr, len);
	return addr;
}

s64 mm_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, const struct vm_source *source,
	   u64 offset)
{
	s64 ret;

	mutex_lock(&mm->lock);
	ret = mm_map_locked(mm, addr, len, prot, flags, source, offset);
	mutex_unlock(&mm->lock);
	return ret;
}

s64 mm_map_at_locked(struct mm *mm, u64 addr, u64 len, struct vm_backing *b)
{
	struct vma *v;

	ASSERT_HELD(&mm->lock);
	if (mm->vma_count >= MM_MAP_COUNT_MAX || first_in(mm, addr, addr + len) ||
	    !mm_may_commit(len >> PAGE_SHIFT))
		return -ENOMEM;
	v = kzalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	*v = (struct vma){
		.start = addr,
		.end = addr + len,
		.prot = PROT_READ | PROT_WRITE,
		.max_prot = PROT_ALL,
		.backing = b,
	};
	backing_get(b);
	add_vma(mm, v);
	return 0;
}

s64 mm_map_backing(struct mm *mm, u64 addr, u64 len, u32 prot, struct vm_backing *b)
{
	struct vma *v = kzalloc(sizeof(*v));
	s64 ret = -ENOMEM;

	if (!v)
		return ret;
	mutex_lock(&mm->lock);
	addr = choose_address(mm, addr, len, 0);
	if (addr) {
		*v = (struct vma){
			.start = addr,
			.end = addr + len,
			.prot = prot,
			.max_prot = prot,
			.backing = b,
		};
		backing_get(b);
		vma_insert(mm, v);
		ret = addr;
	}
	mutex_unlock(&mm->lock);
	if (ret < 0)
		kfree(v);
	return ret;
}

/* Sets the protection of a whole VMA. */
static void protect_vma(struct mm *mm, struct vma *v, u32 prot, struct pt_flush *flush)
{
	v->prot = prot;
	patch_undo(mm, v->start, v->end);
	pt_protect(mm, v, v->start, v->end, flush);
}

static int may_protect(const struct mm *mm, const struct vma *v, u64 start, u64 end, u32 prot)
{
	bool counted = (v->prot & PROT_WRITE) || (v->flags & (VMA_SHARED | VMA_NORESERVE));
	u64 pages = (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;

	if (v->flags & VMA_SEALED)
		return -EPERM;
	if ((prot & ~v->max_prot) || mm_denies_exec(mm, v->prot, prot))
		return -EACCES;
	if ((prot & PROT_WRITE) && !counted && !mm_may_commit(pages))
		return -ENOMEM;
	/* A reservation over the physmap stays one. */
	if (prot && !arch_user_range(MAX(v->start, start), MIN(v->end, end)))
		return -ENOMEM;
	return 0;
}

s64 mm_protect_locked(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	struct pt_flush flush = PT_FLUSH_INIT;
	u32 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	struct vma *v;
	u64 end;
	s64 ret = 0;

	ASSERT_HELD(&mm->lock);
	prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
	if (!IS_ALIGNED(addr, PAGE_SIZE) || (prot & ~(PROT_ALL | PROT_SEM)) ||
	    grows == (PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (!len)
		return 0;
	len = ALIGN_UP(len, PAGE_SIZE);
	end = addr + len;
	if (!len || end < addr)
		return -ENOMEM;
	if (!mm_may_change(mm, addr, end))
		return -ENOMEM;
	prot &= PROT_ALL;
	if (prot & PROT_EXEC)
		check_code_changes(mm, addr, end, true);
	v = first_in(mm, addr, end);
	if (!v)
		return -ENOMEM;
	if (grows & PROT_GROWSUP)
		return -EINVAL;
	if (grows & PROT_GROWSDOWN) {
		if (!(v->flags & VMA_GROWSDOWN))
			return -EINVAL;
		addr = v->start;
	}
	/* As Linux: what lies before the first hole or refusal is changed. */
	while (addr < end) {
		u64 next;

		if (!v || v->start > addr) {
			ret = -ENOMEM;
			break;
		}
		next = MIN(v->end, end);
		if (v->prot != prot || (v->flags & VMA_SEALED)) {
			ret = may_protect(mm, v, addr, end, prot);
			if (!ret)
				ret = mm_cut(mm, addr, next);
			if (ret < 0)
				break;
			v = vma_find(mm, addr);
			protect_vma(mm, v, prot, &flush);
			vma_merge(mm, v);
		}
		addr = next;
		v = vma_find(mm, addr);
	}
	pt_flush_now(mm, &flush);
	return ret;
}

s64 mm_protect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
	s64 ret;

	mutex_lock(&mm->lock);
	ret = mm_protect_locked(mm, addr, len, prot);
	mutex_unlock(&mm->lock);
	return ret;
}

/*
 * Makes v's backing reach len bytes from v's start. If another backing replaces it, the old pages
 * are unmapped and faults map the new ones. A backing without widen keeps its size: access beyond
 * it is SIGBUS, as on Linux. Returns 0 or -errno.
 */
static int widen_backing(struct mm *mm, struct vma *v, u64 len)
{
	struct vm_backing *old = v->backing, *wider = NULL;
	int err;

	if (!old || !old->ops->widen)
		return 0;
	err = old->ops->widen(old, v->offset, len, &wider);
	if (err || !wider)
		return err;
	patch_undo(mm, v->start, v->end);
	pt_drop_windows(mm, v->start, v->end);
	v->backing = wider;
	backing_put(old);
	return 0;
}

struct move {
	u64 from, old_len;
	u64 to, new_len;
	bool keep; /* MREMAP_DONTUNMAP */
};

/* Moves VMA and pages to the target, which is free. Returns its address or -errno. */
static s64 move_mapping(struct mm *mm, const struct move *m)
{
	struct pt_flush flush = PT_FLUSH_INIT;
	u64 from_end = m->from + m->old_len;
	struct vma *v, *copy;
	int err;

	/* Two cuts and the new mapping make three VMAs more. */
	if (mm->vma_count + 3 > MM_MAP_COUNT_MAX)
		return -ENOMEM;
	err = mm_cut(mm, m->from, from_end);
	if (err)
		return err;
	v = vma_find(mm, m->from);
	err = widen_backing(mm, v, m->new_len);
	if (err)
		return err;
	copy = vma_dup(v);
	if (!copy)
		return -ENOMEM;
	copy->start = m->to;
	copy->end = m->to + m->new_len;
	copy->next_fault = 0;
	patch_undo(mm, m->from, from_end);
	err = pt_move(mm, m->from, m->to, MIN(m->old_len, m->new_len), &flush);
	if (err) {
		vma_free(copy);
		return err;
	}
	pt_flush_now(mm, &flush);
	vma_insert(mm, copy);
	if (copy->flags & VMA_LOCKED)
		mm->locked_pages += m->new_len >> PAGE_SHIFT;
	if (!m->keep) {
		err = clear_range(mm, m->from, from_end);
		KASSERT(!err); /* mm_cut made the range one whole VMA */
	} else if (v->flags & VMA_LOCKED) {
		mm->locked_pages -= m->old_len >> PAGE_SHIFT;
		v->flags &= ~VMA_LOCKED;
	}
	vma_merge(mm, copy);
	return m->to;
}

/* mremap(2) with an old size of 0: maps what a shared mapping shows a second time. */
static s64 duplicate_mapping(struct mm *mm, struct vma *v, const struct move *m)
{
	struct vma *copy = vma_dup(v);
	int err;

	if (!copy)
		return -ENOMEM;
	copy->offset += m->from - v->start;
	copy->start = m->to;
	copy->end = m->to + m->new_len;
	copy->next_fault = 0;
	err = widen_backing(mm, copy, m->new_len);
	if (err) {
		vma_free(copy);
		return err;
	}
	vma_insert(mm, copy);
	vma_merge(mm, copy);
	return m->to;
}

/* Checks that [addr, addr + old_len) of v may become new_len long. 0 or mremap(2)'s error. */
static int may_resize(struct mm *mm, struct vma *v, u64 addr, u64 old_len, u64 new_len)
{
	u64 pages = new_len > old_len ? (new_len - old_len) >> PAGE_SHIFT : 0;
	bool accounted = (v->prot & PROT_WRITE) && !(v->flags & (VMA_SHARED | VMA_NORESERVE));

	if (!old_len && !(v->flags & VMA_SHARED))
		return -EINVAL;
	if (old_len > v->end - addr)
		return -EFAULT;
	if (new_len == old_len)
		return 0;
	if (vma_traits(v) & VM_SPECIAL)
		return -EFAULT;
	if ((v->flags & VMA_LOCKED) && above(mm_rlimit(RLIMIT_MEMLOCK), mm->locked_pages, pages))
		return -EAGAIN;
	if (!mm_may_expand(mm, pages, is_data(v)))
		return -ENOMEM;
	return accounted && !mm_may_commit(pages) ? -ENOMEM : 0;
}

/* Grows v at its end. Returns false if the space is not free or the backing cannot be widened. */
static bool grow_in_place(struct mm *mm, struct vma *v, u64 new_len)
{
	u64 end = v->start + new_len;

	if (!mm_user_range(v->start, end) || !is_free(mm, v->end, end - v->end) ||
	    widen_backing(mm, v, new_len) < 0)
		return false;
	if (v->flags & VMA_LOCKED)
		mm->locked_pages += (end - v->end) >> PAGE_SHIFT;
	vma_resize(mm, v, v->start, end);
	vma_merge(mm, v);
	return true;
}

/* mremap(2) with MREMAP_FIXED or MREMAP_DONTUNMAP. */
static s64 remap_to(struct mm *mm, struct move *m, u32 flags)
{
	bool fixed = flags & MREMAP_FIXED;
	struct vma *v;
	int err;

	if (!IS_ALIGNED(m->to, PAGE_SIZE) || m->new_len > USER_TOP || m->to > USER_TOP - m->new_len)
		return -EINVAL;
	if (m->from + m->old_len > m->to && m->to + m->new_len > m->from)
		return -EINVAL;
	if (mm->vma_count + 2 > MM_MAP_COUNT_MAX)
		return -ENOMEM;
	if (fixed && !mm_user_range(m->to, m->to + m->new_len))
		return -ENOMEM;
	err = fixed ? clear_range(mm, m->to, m->to + m->new_len) : 0;
	if (!err && m->old_len > m->new_len) {
		err = mm_unmap_locked(mm, m->from + m->new_len, m->old_len - m->new_len);
		m->old_len = m->new_len;
	}
	if (err)
		return err;
	v = vma_find(mm, m->from);
	if (!v || v->start > m->from)
		return -EFAULT;
	err = may_resize(mm, v, m->from, m->old_len, m->new_len);
	if (err)
		return err;
	if (m->keep && !mm_may_expand(mm, m->new_len >> PAGE_SHIFT, is_data(v)))
		return -ENOMEM;
	if (!fixed)
		m->to = choose_address(mm, m->to, m->new_len, 0);
	if (!m->to)
		return -ENOMEM;
	return m->old_len ? move_mapping(mm, m) : duplicate_mapping(mm, v, m);
}

s64 mm_remap_locked(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr)
{
	struct move m = {addr, ALIGN_UP(old_len, PAGE_SIZE), new_addr, ALIGN_UP(new_len, PAGE_SIZE),
			 flags & MREMAP_DONTUNMAP};
	struct vma *v;
	int err;

	ASSERT_HELD(&mm->lock);
	if (flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (m.keep && (!(flags & MREMAP_MAYMOVE) || m.old_len != m.new_len))
		return -EINVAL;
	if (!IS_ALIGNED(addr, PAGE_SIZE) || !m.new_len || m.new_len > USER_TOP)
		return -EINVAL;
	v = vma_find(mm, addr);
	if (!v || v->start > addr || check_owns(addr, addr + MAX(m.old_len, 1)))
		return -EFAULT;
	if (v->flags & VMA_SEALED)
		return -EPERM;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(mm, &m, flags);

	if (m.old_len >= m.new_len) {
		err = m.old_len > m.new_len
			      ? mm_unmap_locked(mm, addr + m.new_len, m.old_len - m.new_len)
			      : 0;
		return err ? err : (s64)addr;
	}
	err = may_resize(mm, v, addr, m.old_len, m.new_len);
	if (err)
		return err;
	if (m.new_len > USER_TOP)
		return -ENOMEM;
	if (m.old_len == v->end - addr &&
	    grow_in_place(mm, v, v->end - v->start - m.old_len + m.new_len))
		return addr;
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	m.to = choose_address(mm, 0, m.new_len, 0);
	if (!m.to)
		return -ENOMEM;
	return m.old_len ? move_mapping(mm, &m) : duplicate_mapping(mm, v, &m);
}

s64 mm_remap(struct mm *mm, u64 addr, u64 old_len, u64 new_len, u32 flags, u64 new_addr)
{
	s64 ret;

	mutex_lock(&mm->lock);
	ret = mm_remap_locked(mm, addr, old_len, new_len, flags, new_addr);
	mutex_unlock(&mm->lock);
	return ret;
}

s64 mm_remap_pages(struct mm *mm, u64 addr, u64 len, u64 offset)
{
	struct vma *v, *copy = NULL;
	s64 ret = -EINVAL;

	mutex_lock(&mm->lock);
	v = vma_find(mm, addr);
	if (v && v->start <= addr && addr + len <= v->end && (v->flags & VMA_SHARED) && v->backing)
		ret = v->flags & VMA_SEALED ? -EPERM : 0;
	if (!ret) {
		copy = vma_dup(v);
		ret = copy ? 0 : -ENOMEM;
	}
	if (!ret) {
		copy->start = addr;
		copy->end = addr + len;
		copy->offset = offset;
		copy->next_fault = 0;
		ret = widen_backing(mm, copy, len);
		if (!ret)
			ret = clear_range(mm, addr, addr + len);
		if (ret)
			vma_free(copy);
	}
	if (!ret) {
		vma_insert(mm, copy);
		if (copy->flags & VMA_LOCKED)
			mm->locked_pages += len >> PAGE_SHIFT;
		vma_merge(mm, copy);
	}
	mutex_unlock(&mm->lock);
	return ret;
}
