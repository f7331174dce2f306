// SPDX-License-Identifier: MIT
/*
 * System calls for memory. They check arguments and limits in the order of Linux's checks, and call
 * the functions of mm.h and internal.h for the work. Manual pages: mmap(2), mremap(2), brk(2),
 * mincore(2), msync(2), mlock(2), mbind(2), pkeys(7).
 */
#include <asm/mman.h>
#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/process.h"

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* MAP_SHARED_VALIDATE refuses all other flags; MAP_SHARED ignores them. */
#define MAP_KNOWN                                                                                  \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |   \
	 MAP_UNINITIALIZED | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |            \
	 MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_FIXED_NOREPLACE | MAP_HUGE_2MB | MAP_HUGE_1GB)

static u64 pages_of(u64 len)
{
	return ALIGN_UP(len, PAGE_SIZE) >> PAGE_SHIFT;
}

static bool may_lock(struct mm *mm, u64 pages)
{
	return capable(CAP_IPC_LOCK) ||
	       mm->locked_pages + pages <= mm_rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

/* Checks that a mapping is within the limits. What MAP_FIXED replaces does not count twice. */
static int check_limits(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags)
{
	bool data = (prot & PROT_WRITE) && (flags & MAP_TYPE) == MAP_PRIVATE &&
		    !(flags & MAP_GROWSDOWN);
	bool locked = (flags & MAP_LOCKED) || (mm->map_flags & VMA_LOCKED);
	u64 pages = pages_of(len), replaced = 0;

	if (flags & MAP_FIXED)
		replaced = mm_mapped_pages(mm, addr, addr + len);
	if (locked && !may_lock(mm, pages))
		return flags & MAP_LOCKED && !mm_rlimit(RLIMIT_MEMLOCK) ? -EPERM : -EAGAIN;
	return mm_may_expand(mm, pages - MIN(pages, replaced), data) ? 0 : -ENOMEM;
}

static s64 check_map_flags(u64 addr, u64 len, u32 flags)
{
	u32 type = flags & MAP_TYPE;

	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & MAP_ANONYMOUS))
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_KNOWN))
		return -EOPNOTSUPP;
	if (!len || ((flags & MAP_GROWSDOWN) && type != MAP_PRIVATE))
		return -EINVAL;
	if (len > USER_TOP)
		return -ENOMEM;
	if (flags & MAP_HUGETLB) /* the pool of hugetlbfs pages is empty, and no file is of it */
		return flags & MAP_ANONYMOUS ? -ENOMEM : -EINVAL;
	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && addr < MM_MIN_ADDR &&
	    !capable(CAP_SYS_RAWIO))
		return -EPERM;
	return 0;
}

/*
 * glibc's dynamic linker has mapped [addr, addr + len). It reads or writes its own mappings at
 * once, and the program executes the libraries: as after execve(2), their text has jumps from the
 * start.
 */
static void mapped_by_linker(struct mm *mm, u64 addr, u64 len, u32 prot, bool library)
{
	if (prot & PROT_EXEC)
		patch_mapped(mm, addr, len);
	else if (!library)
		mm_map_ahead_small(mm, addr, len);
}

s64 mm_mmap(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, const struct vm_source *source,
	    u64 offset, bool linker)
{
	bool library = flags & (MAP_FIXED | MAP_DENYWRITE);
	s64 ret = check_map_flags(addr, len, flags);

	if (ret < 0)
		return ret;
	linker = linker && (flags & MAP_TYPE) == MAP_PRIVATE;
	/* Its cache of library names, which is replaced and never changed, as libraries are. */
	if (linker && source && prot == PROT_READ)
		flags |= MAP_DENYWRITE;
	mutex_lock(&mm->lock);
	ret = check_limits(mm, addr, len, prot, flags);
	if (!ret && mm_denies_exec(mm, prot, prot))
		ret = -EACCES;
	if (!ret)
		ret = mm_map_locked(mm, addr, len, prot, flags, source, offset);
	if (ret >= 0 && linker)
		mapped_by_linker(mm, (u64)ret, ALIGN_UP(len, PAGE_SIZE), prot, library);
	/* mmap(2) succeeds even if pages cannot be populated; the program's access tries again. */
	if (ret >= 0 && (prot & PROT_ALL) &&
	    ((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE || (flags & MAP_LOCKED) ||
	     (mm->map_flags & VMA_LOCKED)))
		mm_populate_locked(mm, ret, ret + ALIGN_UP(len, PAGE_SIZE),
				   prot & PROT_WRITE ? MM_WRITE : MM_READ);
	mutex_unlock(&mm->lock);
	return ret;
}

s64 mm_set_mdwe(struct mm *mm, bool refuse, bool not_inherited)
{
	s64 ret = 0;

	mutex_lock(&mm->lock);
	if (mm->mdwe && (!refuse || not_inherited != mm->mdwe_not_inherited)) {
		ret = -EPERM;
	} else {
		mm->mdwe = refuse;
		mm->mdwe_not_inherited = not_inherited;
	}
	mutex_unlock(&mm->lock);
	return ret;
}

DEFINE_SYSCALL2(munmap, u64, addr, u64, len)
{
	return mm_unmap(current_mm(), addr, len);
}

DEFINE_SYSCALL3(mprotect, u64, addr, u64, len, u32, prot)
{
	return mm_protect(current_mm(), addr, len, prot);
}

/* As on a CPU without protection keys. */
DEFINE_SYSCALL4(pkey_mprotect, u64, addr, u64, len, u32, prot, s32, pkey)
{
	return pkey == -1 ? mm_protect(current_mm(), addr, len, prot) : -EINVAL;
}

DEFINE_SYSCALL2(pkey_alloc, u64, flags, u64, rights)
{
	if (flags || (rights & ~(u64)(PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE)))
		return -EINVAL;
	return -ENOSPC;
}

DEFINE_SYSCALL0(pkey_free)
{
	return -EINVAL;
}

DEFINE_SYSCALL5(mremap, u64, addr, u64, old_len, u64, new_len, u32, flags, u64, new_addr)
{
	return mm_remap(current_mm(), addr, old_len, new_len, flags, new_addr);
}

DEFINE_SYSCALL3(madvise, u64, addr, u64, len, s32, advice)
{
	return mm_advise(current_mm(), addr, len, advice);
}

DEFINE_SYSCALL3(mseal, u64, addr, u64, len, u64, flags)
{
	u64 end = addr + ALIGN_UP(len, PAGE_SIZE);

	if (flags || !IS_ALIGNED(addr, PAGE_SIZE) || (len && !ALIGN_UP(len, PAGE_SIZE)) ||
	    end < addr)
		return -EINVAL;
	return end == addr ? 0 : mm_seal(current_mm(), addr, end - addr);
}

/* Linux also populates the new pages; here the next access maps them. */
DEFINE_SYSCALL5(remap_file_pages, u64, addr, u64, len, u64, prot, u64, page, u32, flags)
{
	u64 from = ALIGN_DOWN(addr, PAGE_SIZE), size = ALIGN_DOWN(len, PAGE_SIZE);

	(void)flags; /* Linux uses only MAP_NONBLOCK, which has no effect here */
	if (prot || from + size <= from || page + (size >> PAGE_SHIFT) < page ||
	    page > ~0UL >> PAGE_SHIFT)
		return -EINVAL;
	return mm_remap_pages(current_mm(), from, size, page << PAGE_SHIFT);
}

/* Moves the end of the heap up. Returns false if limits or other mappings prevent it. */
static bool grow_heap(struct mm *mm, u64 from, u64 to)
{
	u64 limit = mm_rlimit(RLIMIT_DATA);
	struct vma *next = vma_find(mm, from);
	u64 guard = next && (next->flags & VMA_GROWSDOWN) ? MM_STACK_GAP : 0;
	s64 ret;

	if (limit != RLIM_INFINITY && to - mm->brk_start + (mm->data_end - mm->data_start) > limit)
		return false;
	if (next && to + PAGE_SIZE + guard > next->start)
		return false;
	if (check_limits(mm, from, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE) < 0)
		return false;
	ret = mm_map_locked(mm, from, to - from, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, NULL, 0);
	if (ret >= 0 && (mm->map_flags & VMA_LOCKED))
		mm_populate_locked(mm, from, to, MM_WRITE);
	return ret >= 0;
}

DEFINE_SYSCALL1(brk, u64, want)
{
	struct mm *mm = current_mm();
	u64 from, to, result;

	mutex_lock(&mm->lock);
	from = ALIGN_UP(mm->brk, PAGE_SIZE);
	to = ALIGN_UP(want, PAGE_SIZE);
	if (want >= mm->brk_start && want < USER_TOP &&
	    (to <= from ? to == from || !mm_unmap_locked(mm, to, from - to)
			: grow_heap(mm, from, to)))
		mm->brk = want;
	result = mm->brk;
	mutex_unlock(&mm->lock);
	return result;
}

/* Pages that mincore(2) reports at a time. */
#define MINCORE_BATCH 4096

/*
 * Fills vec for the pages from addr on. A page that a fault mapped beside the accessed one counts
 * as resident. Returns 0, or -ENOMEM at a hole.
 */
static int resident(struct mm *mm, u64 addr, u64 pages, u8 *vec)
{
	u64 end = addr + pages * PAGE_SIZE;
	int err = 0;

	memset(vec, 0, pages);
	mutex_lock(&mm->lock);
	for (u64 va = addr; va < end;) {
		struct vma *v = vma_find(mm, va);
		struct pt_leaf leaf;
		u64 stop;

		if (!v || v->start > va) {
			err = -ENOMEM;
			break;
		}
		stop = MIN(end, v->end);
		if (v->backing && v->backing->ops->resident)
			v->backing->ops->resident(v, va, stop, vec + ((va - addr) >> PAGE_SHIFT));
		for (; pt_next(mm, va, stop, &leaf); va = leaf.va + leaf.size) {
			u64 first = MAX(va, leaf.va), last = MIN(stop, leaf.va + leaf.size);

			memset(vec + ((first - addr) >> PAGE_SHIFT), 1,
			       (last - first) >> PAGE_SHIFT);
		}
		va = stop;
	}
	mutex_unlock(&mm->lock);
	return err;
}

DEFINE_SYSCALL3(mincore, u64, addr, u64, len, uva, vec)
{
	u64 pages = pages_of(len);
	u8 *buf;
	int err = 0;

	if (!IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	if (addr > USER_TOP || len > USER_TOP - addr)
		return -ENOMEM;
	buf = kmalloc(MINCORE_BATCH);
	if (!buf)
		return -EAGAIN;
	while (pages && !err) {
		u64 n = MIN(pages, MINCORE_BATCH);

		err = resident(current_mm(), addr, n, buf);
		if (!err)
			err = copy_to_user(vec, buf, n);
		addr += n * PAGE_SIZE;
		vec += n;
		pages -= n;
	}
	kfree(buf);
	return err;
}

static s64 sync_range(struct mm *mm, u64 addr, u64 end, u32 flags)
{
	bool hole = false;

	while (addr < end) {
		struct vma *v = vma_find(mm, addr);
		u64 stop;
		int err = 0;

		if (!v || v->start >= end)
			return -ENOMEM;
		hole = hole || v->start > addr;
		addr = MAX(addr, v->start);
		stop = MIN(end, v->end);
		if ((flags & MS_INVALIDATE) && (v->flags & VMA_LOCKED))
			return -EBUSY;
		if ((flags & MS_SYNC) && (v->flags & VMA_SHARED) && v->backing->ops->sync)
			err = v->backing->ops->sync(mm, v, addr, stop);
		if (err)
			return err;
		addr = stop;
	}
	return hole ? -ENOMEM : 0;
}

DEFINE_SYSCALL3(msync, u64, addr, u64, len, u32, flags)
{
	struct mm *mm = current_mm();
	u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
	s64 ret;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || !IS_ALIGNED(addr, PAGE_SIZE) ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	ret = sync_range(mm, addr, end, flags);
	mutex_unlock(&mm->lock);
	return ret;
}

/* Sets or clears VMA_LOCKED in [start, end). Returns 0, or -ENOMEM: a hole, or too many VMAs. */
static int set_locked(struct mm *mm, u64 start, u64 end, bool on)
{
	while (start < end) {
		struct vma *v = vma_find(mm, start);
		u64 stop;
		int err;

		if (!v || v->start > start)
			return -ENOMEM;
		stop = MIN(end, v->end);
		if (!(v->flags & VMA_LOCKED) == on) {
			err = mm_cut(mm, start, stop);
			if (err)
				return err;
			v = vma_find(mm, start);
			v->flags ^= VMA_LOCKED;
			mm->locked_pages += (on ? 1 : -1) * ((stop - start) >> PAGE_SHIFT);
			vma_merge(mm, v);
		}
		start = stop;
	}
	return 0;
}

/* Pages of [start, end) that are locked already. */
static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
	u64 pages = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->flags & VMA_LOCKED)
			pages += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return pages;
}

/* Populates each locked VMA with the access that it allows; skips VMAs that allow none. */
static int populate_locked_range(struct mm *mm, u64 start, u64 end)
{
	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
		int err;

		if (!v->prot || !(v->flags & VMA_LOCKED))
			continue;
		err = mm_populate_locked(
			mm, MAX(v->start, start), MIN(v->end, end),
			(v->prot & PROT_WRITE) && !(v->flags & VMA_SHARED) ? MM_WRITE : MM_READ);
		if (err)
			return -ENOMEM;
	}
	return 0;
}

static s64 lock_range(u64 addr, u64 len, bool on, bool populate)
{
	struct mm *mm = current_mm();
	u64 start = ALIGN_DOWN(addr, PAGE_SIZE), end = ALIGN_UP(addr + len, PAGE_SIZE);
	int err = 0;

	if (end < start)
		return -EINVAL;
	if (on && !mm_rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EPERM;
	mutex_lock(&mm->lock);
	if (!mm_may_change(mm, start, end))
		err = -ENOMEM;
	if (!err && on && !may_lock(mm, ((end - start) >> PAGE_SHIFT) - locked_in(mm, start, end)))
		err = -ENOMEM;
	if (!err)
		err = set_locked(mm, start, end, on);
	if (!err && populate)
		err = populate_locked_range(mm, start, end);
	mutex_unlock(&mm->lock);
	return err;
}

DEFINE_SYSCALL2(mlock, u64, addr, u64, len)
{
	return lock_range(addr, len, true, true);
}

DEFINE_SYSCALL3(mlock2, u64, addr, u64, len, u32, flags)
{
	return flags & ~MLOCK_ONFAULT ? -EINVAL : lock_range(addr, len, true, !flags);
}

DEFINE_SYSCALL2(munlock, u64, addr, u64, len)
{
	return lock_range(addr, len, false, false);
}

/* Locks or unlocks all mappings except special and managed ones. Returns 0 or -ENOMEM. */
static int lock_all(struct mm *mm, bool on)
{
	int err = 0;

	for (struct vma *v = vma_first(mm); v && !err; v = vma_find(mm, v->end))
		if (!(vma_traits(v) & (VM_SPECIAL | VM_MANAGED)))
			err = set_locked(mm, v->start, v->end, on);
	return err;
}

DEFINE_SYSCALL1(mlockall, u32, flags)
{
	struct mm *mm = current_mm();
	int err = 0;

	if (!flags || flags == MCL_ONFAULT || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)))
		return -EINVAL;
	if (!mm_rlimit(RLIMIT_MEMLOCK) && !capable(CAP_IPC_LOCK))
		return -EPERM;
	mutex_lock(&mm->lock);
	if ((flags & MCL_CURRENT) && !may_lock(mm, mm->total_pages - mm->locked_pages))
		err = -ENOMEM;
	if (!err)
		mm->map_flags = flags & MCL_FUTURE ? VMA_LOCKED : 0;
	if (!err && (flags & MCL_CURRENT)) {
		err = lock_all(mm, true);
		/* As on Linux, a page that cannot be populated is no error of mlockall(2). */
		if (!err && !(flags & MCL_ONFAULT))
			populate_locked_range(mm, 0, USER_TOP);
	}
	mutex_unlock(&mm->lock);
	return err;
}

DEFINE_SYSCALL0(munlockall)
{
	struct mm *mm = current_mm();
	int err;

	mutex_lock(&mm->lock);
	mm->map_flags = 0;
	err = lock_all(mm, false);
	mutex_unlock(&mm->lock);
	return err;
}

/*
 * NUMA policies. There is one node, so that all policies have the same effect. Modes and masks are
 * checked, because programs see the errors.
 */
#define NODES_MAX 1024

static s64 check_policy(s32 mode, uva mask, u64 max_node)
{
	u64 first = 0;
	s32 flags = mode & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING);

	mode &= ~flags;
	if (mode < 0 || mode >= MPOL_MAX)
		return -EINVAL;
	if (!mask || max_node < 2)
		return mode == MPOL_DEFAULT || mode == MPOL_LOCAL || mode == MPOL_PREFERRED
			       ? 0
			       : -EINVAL;
	if (max_node > NODES_MAX + 1)
		return -EINVAL;
	if (copy_from_user(&first, mask, MIN(sizeof(first), ALIGN_UP(max_node - 1, 8) / 8)))
		return -EFAULT;
	if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
		return first ? -EINVAL : 0;
	return mode != MPOL_PREFERRED && !(first & 1) ? -EINVAL : 0;
}

DEFINE_SYSCALL6(mbind, u64, addr, u64, len, s32, mode, uva, mask, u64, max_node, u32, flags)
{
	struct mm *mm = current_mm();
	u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
	s64 ret;

	if ((flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) ||
	    !IS_ALIGNED(addr, PAGE_SIZE) || end < addr)
		return -EINVAL;
	if ((flags & MPOL_MF_MOVE_ALL) && !capable(CAP_SYS_NICE))
		return -EPERM;
	ret = check_policy(mode, mask, max_node);
	if (ret < 0 || end == addr)
		return ret;
	mutex_lock(&mm->lock);
	if (mm_mapped_pages(mm, addr, end) != (end - addr) >> PAGE_SHIFT)
		ret = -EFAULT;
	mutex_unlock(&mm->lock);
	return ret;
}

DEFINE_SYSCALL3(set_mempolicy, s32, mode, uva, mask, u64, max_node)
{
	return check_policy(mode, mask, max_node);
}

static bool is_mapped(struct mm *mm, u64 addr)
{
	u64 page = ALIGN_DOWN(addr, PAGE_SIZE);
	u64 pages;

	mutex_lock(&mm->lock);
	pages = mm_mapped_pages(mm, page, page + PAGE_SIZE);
	mutex_unlock(&mm->lock);
	return pages > 0;
}

DEFINE_SYSCALL5(get_mempolicy, uva, mode, uva, mask, u64, max_node, u64, addr, u64, flags)
{
	u64 nodes = flags & MPOL_F_MEMS_ALLOWED ? 1 : 0;
	s32 zero = 0; /* MPOL_DEFAULT, and node 0 */

	if ((flags & ~(u64)(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) ||
	    ((flags & MPOL_F_MEMS_ALLOWED) && (flags & (MPOL_F_NODE | MPOL_F_ADDR))) ||
	    (addr && !(flags & MPOL_F_ADDR)) || (mask && (!max_node || max_node > NODES_MAX + 1)))
		return -EINVAL;
	if ((flags & MPOL_F_ADDR) && !is_mapped(current_mm(), addr))
		return -EFAULT;
	if (mode && put_user(zero, mode))
		return -EFAULT;
	if (mask && copy_to_user(mask, &nodes, MIN(sizeof(nodes), ALIGN_UP(max_node, 64) / 8)))
		return -EFAULT;
	if (mask && max_node > 64 &&
	    clear_user(mask + sizeof(nodes), ALIGN_UP(max_node, 64) / 8 - sizeof(nodes)))
		return -EFAULT;
	return 0;
}
