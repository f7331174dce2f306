// SPDX-License-Identifier: MIT
/*
 * Finds the object that a bad address in the guarded range belongs to, and the bug that it shows.
 */
#include <linux/mman.h>
#include "kernel/fs/file.h"
#include "kernel/fs/mapping.h"
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/kernel.h"
#include "kernel/mm/internal.h"
#include "kernel/stats.h"
#include "kernel/task/task.h"

int chk_populate(struct mm *mm, u64 page)
{
	struct chk_object obj;

	if (mm->check->heap && page >= CHK_BASE_AREA && page < CHK_LARGE_AREA)
		return base_populate(mm, page);
	if (!mm->check->heap || !chk_object_of(mm, page, &obj) || obj.o.state != CHK_STATE_LIVE)
		return -EFAULT;
	return range_populate(mm, &obj, page);
}

/* Returns the distance of addr from an object in bytes; 0 if addr is inside. */
static u64 distance(const struct check_object *o, u64 addr)
{
	if (addr < o->start)
		return o->start - addr;
	return addr < o->start + o->size ? 0 : addr - (o->start + o->size) + 1;
}

/*
 * Finds the object that the program probably meant with addr: the one whose pages or guard page
 * contain addr, or the next one if that is nearer (an underflow).
 */
static bool meant(struct mm *mm, u64 addr, struct chk_object *obj)
{
	struct chk_object next;
	bool found = chk_object_of(mm, addr, obj);

	/* Behind the last alias, the object of the page before was overrun. */
	if (!found && addr - CHK_ALIAS_AREA < CHK_ALIAS_SIZE)
		found = chk_object_of(mm, addr - PAGE_SIZE, obj);

	if (found && distance(&obj->o, addr) == 0)
		return true;
	if (!chk_object_next(mm, addr, false, &next) || next.o.start - addr > PAGE_SIZE)
		return found;
	if (!found || distance(&next.o, addr) < distance(&obj->o, addr))
		*obj = next;
	return true;
}

static enum check_kind kind_of(const struct check_object *o, u64 addr)
{
	switch (o->state) {
	case CHK_STATE_FREED:
		return CHECK_USE_AFTER_FREE;
	case CHK_STATE_REALLOCATED:
		return CHECK_USE_AFTER_REALLOC;
	default:
		return addr < o->start ? CHECK_HEAP_UNDERFLOW : CHECK_HEAP_OVERFLOW;
	}
}

bool chk_bug_prepare(struct mm *mm, u64 addr, struct chk_bug_report *b)
{
	struct chk_object obj;

	if (chk_object_old(mm, addr)) {
		b->head.kind = CHECK_USE_AFTER_FREE;
		b->head.where = CHECK_WHERE_OLD_HEAP;
		return true;
	}
	if (!meant(mm, addr, &obj))
		return false;
	b->head.kind = kind_of(&obj.o, addr);
	chk_bug_object(mm, &obj, b);
	return true;
}

void chk_bug_object(struct mm *mm, const struct chk_object *obj, struct chk_bug_report *b)
{
	struct chk_depot *d = mm->check->heap->depot;

	b->head.object = obj->o;
	b->parts.alloc.id = obj->alloc_stack;
	b->parts.alloc.count = depot_stack(d, obj->alloc_stack, &b->parts.alloc.pc);
	b->parts.free.id = obj->free_stack;
	b->parts.free.count = depot_stack(d, obj->free_stack, &b->parts.free.pc);
	b->parts.around = b->around;
	b->parts.around_count = chk_around(mm, obj, b->around);
}

/* Fills in *b for a bad access at addr. Returns false if the heap cannot explain the access. */
static bool prepare(struct mm *mm, u64 addr, enum check_access access, struct chk_bug_report *b)
{
	struct chk_object obj;
	bool known = false;

	memset(b, 0, sizeof(*b));
	b->head.addr = addr;
	b->head.access = access;
	mutex_lock(&mm->lock);
	/* A fault inside a live object comes from the program's own mprotect(2): not a heap bug. */
	if (mm->check->heap && !(chk_object_of(mm, addr, &obj) && obj.o.state == CHK_STATE_LIVE &&
				 distance(&obj.o, addr) == 0))
		known = chk_bug_prepare(mm, addr, b);
	mutex_unlock(&mm->lock);
	return known;
}

bool chk_fault(struct trapframe *f, u64 addr, int signal)
{
	struct mm *mm = current_mm();
	enum check_access access = chk_access(f->error);
	struct chk_bug_report b;
	int err = -EFAULT;

	if (chk_peek_fault(mm, f))
		return true;
	if (signal != SIGSEGV || !mm->check->heap || !chk_range(addr) ||
	    !prepare(mm, addr, access, &b))
		return false;
	mm->check->heap->sum.faults++;
	chk_report(&b.head, &b.parts);

	mutex_lock(&mm->lock);
	/*
	 * A scratch page is not executable: the program that would run code there gets its signal.
	 */
	if (access != CHECK_ACCESS_EXEC && mm->check->heap)
		err = range_scratch(mm, addr);
	mutex_unlock(&mm->lock);
	return err == 0;
}

enum check_access chk_access(u64 error)
{
	if (error & PF_FETCH)
		return CHECK_ACCESS_EXEC;
	return error & PF_WRITE ? CHECK_ACCESS_WRITE : CHECK_ACCESS_READ;
}

void chk_bad_buffer(u64 addr, bool write)
{
	struct mm *mm = current_mm();
	struct chk_bug_report b;

	if (!mm->check->heap || !chk_range(addr) ||
	    !prepare(mm, addr, write ? CHECK_ACCESS_SYSCALL_WRITE : CHECK_ACCESS_SYSCALL_READ, &b))
		return;
	b.head.syscall = (u32)current()->syscall_nr;
	chk_report(&b.head, &b.parts);
}

enum check_where chk_where(struct mm *mm, u64 addr)
{
	struct vma *v = vma_find(mm, addr), *prev;
	u64 sp = thread_frame(current())->rsp;

	if (chk_range(addr) && mm->check->heap && chk_object_old(mm, addr))
		return CHECK_WHERE_OLD_HEAP;
	if (!v || v->start > addr || v->backing == &chk_areas)
		return CHECK_WHERE_UNMAPPED;
	if ((v->flags & VMA_GROWSDOWN) || (!vma_window(v) && v->start <= sp && sp < v->end))
		return CHECK_WHERE_STACK;
	if (v->prot & PROT_EXEC)
		return CHECK_WHERE_CODE;
	/* .bss continues the data of a file. */
	prev = vma_prev(v);
	if (vma_file(v) || (!vma_window(v) && prev && prev->end == v->start && vma_file(prev)))
		return CHECK_WHERE_GLOBAL;
	return CHECK_WHERE_MAPPED;
}
