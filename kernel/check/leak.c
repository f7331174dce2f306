// SPDX-License-Identifier: MIT
/*
 * See leak.h. The check reads the program's memory through its page tables, and maps nothing: a
 * page that was never touched contains no pointers.
 */
#include <linux/mman.h>
#include "common/boot_info.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/fs/mapping.h"
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/check/leak.h"
#include "kernel/check/mark.h"
#include "kernel/check/module.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/task/task.h"

#define RED_ZONE    128	 /* below RSP: System V ABI, 3.2.2 */
#define REPORTS_MAX 1000 /* allocation stacks; one line counts the objects of the others */

struct check {
	struct mm *mm;
	struct marks marks;
	u8 *page;		   /* copy of a page of a file, which may vanish meanwhile */
	struct chk_module library; /* the heap library; .end 0: not found */
};

/* ---- registers ------------------------------------------------------------------------------- */

static void save_registers(struct leak_thread *t)
{
	const struct trapframe *f = thread_frame(current());
	const u64 reg[] = {f->rsp, f->rbp, f->rbx, f->r12, f->r13, f->r14, f->r15, f->rax,
			   f->rcx, f->rdx, f->rsi, f->rdi, f->r8,  f->r9,  f->r10, f->r11};

	_Static_assert(sizeof(reg) == sizeof(t->reg), "all that can hold an address");
	memcpy(t->reg, reg, sizeof(reg));
}

void leak_thread_ends(void)
{
	struct mm *mm = current_mm();
	struct leak_thread *t;

	if (!mm->check->heap || !(boot->check.flags & CHECK_LEAKS))
		return;
	t = kmalloc(sizeof(*t));
	if (!t)
		return;
	save_registers(t);
	mutex_lock(&mm->lock);
	t->next = mm->check->leak_threads;
	mm->check->leak_threads = t;
	mutex_unlock(&mm->lock);
}

void leak_free(struct mm *mm)
{
	struct leak_thread *t;

	while ((t = mm->check->leak_threads)) {
		mm->check->leak_threads = t->next;
		kfree(t);
	}
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* marks.memory. */
static const void *memory(void *context, u64 va, u64 *len)
{
	struct check *c = context;
	struct pt_leaf leaf;
	u64 gpa;

	if (!pt_next(c->mm, va, va + *len, &leaf))
		return NULL;
	if (leaf.va > va) {
		*len = leaf.va - va;
		return NULL;
	}
	*len = MIN(*len, leaf.va + leaf.size - va);
	gpa = pt_gpa(*leaf.entry) + (va - leaf.va);
	if (*leaf.entry & PTE_OWNED)
		return phys_to_virt(gpa);
	*len = MIN(*len, PAGE_SIZE - (va & PAGE_MASK));
	return arch_copy(c->page, phys_to_virt(gpa), *len) == 0 ? c->page : NULL;
}

/*
 * Returns whether v is the read-only beginning of a module's data, to which its relocations were
 * written (PT_GNU_RELRO).
 */
static bool is_relro(struct vma *v)
{
	const struct vma *next = vma_next(v);

	return next && (next->prot & PROT_WRITE) && vma_file(next) == vma_file(v) &&
	       next->start == v->end && next->offset == v->offset + (v->end - v->start);
}

/*
 * Returns whether v may contain pointers of the program. Constants of a file are left out, because
 * some of them look like addresses.
 */
static bool has_pointers(struct vma *v)
{
	if (chk_range(v->start) || (vma_traits(v) & VM_SPECIAL))
		return false;
	return (v->prot & PROT_WRITE) || !vma_file(v) || is_relro(v);
}

/*
 * Returns the lowest address in v that may be in use: the lowest stack pointer of a thread in v,
 * less the red zone; the start of v if no stack pointer is in it.
 */
static u64 stack_in(const struct check *c, const struct vma *v)
{
	u64 low = v->end;

	for (const struct leak_thread *t = c->mm->check->leak_threads; t; t = t->next)
		if (t->reg[0] >= v->start && t->reg[0] < low)
			low = t->reg[0];
	return low == v->end ? v->start : MAX(v->start, low - MIN(low, RED_ZONE));
}

/* Adds the roots in [start, end), except the library's memory. */
static void root(struct check *c, u64 start, u64 end)
{
	u64 skip = ALIGN_DOWN(c->library.start, PAGE_SIZE);
	u64 skip_end = ALIGN_UP(c->library.end, PAGE_SIZE);

	if (start < skip_end && end > skip) {
		if (start < skip)
			marks_root(&c->marks, start, skip);
		start = MIN(skip_end, end);
	}
	marks_root(&c->marks, start, end);
}

/*
 * Returns whether the object is older than the fork of a process with several threads. The threads
 * that the child does not have may have kept it. If nothing keeps it in the parent, the parent
 * reports it.
 */
static bool is_inherited(const struct check *c, const struct check_object *o)
{
	s32 left_at = c->mm->check->heap->left_at;

	return left_at && o->alloc_tid - left_at < 0;
}

/* Adds the inherited objects to the roots. */
static void mark_inherited(struct check *c)
{
	struct check_object o;
	u64 at = 0;
	u32 stack;

	if (!c->mm->check->heap->left_at)
		return;
	while (chk_next_live(c->mm, at, &o, &stack) && o.start >= at) {
		if (is_inherited(c, &o))
			marks_word(&c->marks, o.start);
		at = o.start + MAX(o.size, 1);
	}
}

static int find_objects(struct check *c)
{
	struct check_object o;
	u64 at = 0;
	u32 stack;
	int err = 0;

	/* The tables of packed objects are in the program's memory, so they may be corrupt. */
	while (err != -ENOMEM && chk_next_live(c->mm, at, &o, &stack) && o.start >= at) {
		err = marks_add(&c->marks, o.start, o.size, stack);
		at = o.start + MAX(o.size, 1);
	}
	return err == -ENOMEM ? err : 0;
}

static void mark(struct check *c)
{
	for (struct vma *v = vma_first(c->mm); v; v = vma_next(v))
		if (has_pointers(v))
			root(c, stack_in(c, v), v->end);
	for (const struct leak_thread *t = c->mm->check->leak_threads; t; t = t->next)
		for (u32 i = 0; i < ARRAY_SIZE(t->reg); i++)
			marks_word(&c->marks, t->reg[i]);
	mark_inherited(c);
	marks_sweep(&c->marks);
}

/* ---- reports --------------------------------------------------------------------------------- */

static void report_group(struct check *c, const struct mark_group *g, enum check_kind kind)
{
	struct check_report head = {.kind = kind, .count = g->count};
	struct chk_report_parts parts = {0};
	struct chk_object obj;

	mutex_lock(&c->mm->lock);
	if (chk_object_at(c->mm, marks_object(&c->marks, g->example)->start, &obj))
		head.object = obj.o;
	head.object.size = g->bytes;
	head.indirect = g->indirect;
	head.indirect_bytes = g->indirect_bytes;
	parts.alloc.id = g->stack;
	parts.alloc.count = chk_stack(c->mm, g->stack, &parts.alloc.pc);
	mutex_unlock(&c->mm->lock);
	head.addr = head.object.start;
	chk_report(&head, &parts);
}

static void report(struct check *c, bool reachable)
{
	enum check_kind kind = reachable ? CHECK_REACHABLE_AT_EXIT : CHECK_LEAK;
	struct mark_group *group = NULL;
	s64 count = marks_group(&c->marks, reachable, &group);
	u64 objects = 0;

	if (count < 0)
		klog(0, "process %d: no memory to sort what it has lost", current_process()->pid);
	for (s64 i = 0; i < MIN(count, REPORTS_MAX); i++)
		report_group(c, &group[i], kind);
	for (s64 i = REPORTS_MAX; i < count; i++)
		objects += group[i].count;
	if (objects)
		klog(0, "process %d: %lu more objects of %ld more places %s",
		     current_process()->pid, objects, count - REPORTS_MAX,
		     reachable ? "are left" : "are lost");
	kfree(group);
}

void leak_check(void)
{
	struct check c = {.mm = current_mm(), .page = kmalloc(PAGE_SIZE)};
	int err = -ENOMEM;

	leak_thread_ends(); /* this one */
	if (!c.page || marks_init(&c.marks, memory, &c) < 0)
		goto out;
	if (chk_find_module(c.mm, c.mm->check->unwind.given.peek, &c.library) < 0)
		c.library = (struct chk_module){0};
	mutex_lock(&c.mm->lock);
	err = find_objects(&c);
	if (!err)
		mark(&c);
	mutex_unlock(&c.mm->lock);
	if (!err) {
		report(&c, false);
		if (boot->check.flags & CHECK_REACHABLE)
			report(&c, true);
	}
out:
	if (err)
		klog(0, "process %d: no memory to look for leaks", current_process()->pid);
	marks_free(&c.marks);
	leak_free(c.mm);
	kfree(c.page);
}
