// SPDX-License-Identifier: MIT
/*
 * See callers.h. check/preload/guess.c, a file of the heap library, is compiled into the kernel as
 * well. This file defines the functions that it calls: they read words of the program's memory, and
 * find the file that code belongs to.
 */
#include <linux/mman.h>
#include "check/preload/guess.h"
#include "check/preload/modules.h"
#include "check/preload/peek.h"
#include "check/preload/unwind_kernel.h"
#include "kernel/fs/mapping.h"
#include "kernel/check/callers.h"
#include "kernel/check/heap.h"
#include "kernel/check/module.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/task.h"

#define MODULES 16

u64 unwind_program; /* 0: modules of callers are looked up only as they are met */

/* The modules that were found for the stack of the current call. */
static struct {
	struct mutex lock;
	u32 count;
	struct chk_module module[MODULES];
} known = {.lock = MUTEX_INIT(LOCK_CHECK_CALLERS)};

bool peek_words(u64 a, u64 b, u64 to[2])
{
	struct mm *mm = current_mm();

	return mm_copy_from(mm, &to[0], a, sizeof(*to)) == 0 &&
	       mm_copy_from(mm, &to[1], b, sizeof(*to)) == 0;
}

bool modules_is_own(const struct chk_module *m)
{
	return current_mm()->check->unwind.given.peek - m->start < m->end - m->start;
}

static bool is_code(struct mm *mm, u64 pc)
{
	struct vma *v;
	bool is;

	mutex_lock(&mm->lock);
	v = vma_find(mm, pc);
	is = v && v->start <= pc && (v->prot & PROT_EXEC) && vma_file(v);
	mutex_unlock(&mm->lock);
	return is;
}

bool modules_known(u64 pc, struct chk_module *m)
{
	for (u32 i = 0; i < known.count; i++) {
		*m = known.module[i];
		if (pc - m->start < m->end - m->start)
			return true;
	}
	if (!is_code(current_mm(), pc) || chk_find_module(current_mm(), pc, m) < 0)
		return false;
	if (known.count < MODULES)
		known.module[known.count++] = *m;
	return true;
}

s64 modules_find(u64 pc, struct chk_module *m)
{
	return modules_known(pc, m) ? 0 : -ENOENT;
}

u32 chk_callers(struct check_caller *caller)
{
	const struct trapframe *f = thread_frame(current());
	struct cfi_registers r = {f->rip, f->rsp, f->rbp};
	u32 count = 0;

	mutex_lock(&known.lock);
	known.count = 0;
	while (count < CHECK_CALLERS_MAX && guess_caller(r.rip, &r))
		caller[count++] = (struct check_caller){r.rip, r.rsp, r.rbp};
	mutex_unlock(&known.lock);
	return count;
}
