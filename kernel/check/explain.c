// SPDX-License-Identifier: MIT
/*
 * Reports of faults that have nothing to do with the heap and are about to end the program: NULL
 * pointers, wild pointers, stack overflows.
 */
#include <linux/mman.h>
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/check/report.h"
#include "kernel/kernel.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

#define NULL_END 0x10000UL /* nothing is mapped below: Linux's default vm.mmap_min_addr */

/* How far below the stack pointer a function's accesses may be before it moves the pointer. */
#define BELOW_SP (64UL << 10)

static bool is_there(const struct vma *v, u64 addr)
{
	return v && v->start <= addr && v->prot != PROT_NONE;
}

/*
 * Returns whether a fault at addr is a stack overflow: addr lies below writable memory that has a
 * guard or nothing below it, and the stack pointer is in the lowest page of that memory or below
 * it. A function with large locals moves the stack pointer far below.
 */
static bool is_stack_overflow(struct mm *mm, u64 addr, u64 sp)
{
	struct vma *v = vma_find(mm, addr);

	if (addr + BELOW_SP < sp || is_there(v, addr))
		return false;
	if (v && v->start <= addr)
		v = vma_next(v);
	if (!v || !(v->prot & PROT_WRITE) || vma_window(v))
		return false;
	return sp < v->start ? !is_there(vma_find(mm, sp), sp) : sp < v->start + PAGE_SIZE;
}

static enum check_access access_of(u64 trapno, u64 error)
{
	return trapno == VEC_PF ? chk_access(error) : CHECK_ACCESS_NONE;
}

void chk_deadly_fault(u64 addr, u64 trapno, u64 error)
{
	struct check_report r = {.addr = addr, .access = access_of(trapno, error)};
	struct chk_report_parts parts = {0};
	struct mm *mm = current_mm();
	struct chk_object obj;

	mutex_lock(&mm->lock);
	if (r.access == CHECK_ACCESS_EXEC && mm->check->heap && chk_object_of(mm, addr, &obj) &&
	    obj.o.state == CHK_STATE_LIVE && addr - obj.o.start < MAX(obj.o.size, 1)) {
		r.kind = CHECK_WILD_POINTER;
		r.where = CHECK_WHERE_INTERIOR;
		r.object = obj.o;
		parts.alloc.id = obj.alloc_stack;
		parts.alloc.count = chk_stack(mm, obj.alloc_stack, &parts.alloc.pc);
	} else if (trapno != VEC_PF) {
		r.kind = CHECK_WILD_POINTER; /* not canonical, or a misaligned operand */
	} else if (addr < NULL_END) {
		r.kind = CHECK_NULL_POINTER;
	} else if (is_stack_overflow(mm, addr, thread_frame(current())->rsp)) {
		r.kind = CHECK_STACK_OVERFLOW;
		r.where = CHECK_WHERE_STACK;
	} else {
		r.kind = CHECK_WILD_POINTER;
		r.where = chk_where(mm, addr);
	}
	mutex_unlock(&mm->lock);
	chk_report(&r, &parts);
}
