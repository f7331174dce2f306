// SPDX-License-Identifier: MIT
/*
 * The guarded heap as two backings: of the areas whose pages kernel/check/ decides about, and of
 * large objects, which are anonymous memory but not the program's to change when they are freed.
 */
#include "kernel/check/internal.h"
#include "kernel/mm/backing.h"

static int populate(struct vm_fault *f)
{
	return chk_populate(f->mm, f->page);
}

static const struct vm_backing_ops area_ops = {
	.traits = VM_MANAGED | VM_ALIASED,
	.populate = populate,
	.fork = chk_copy_vma,
	.may_change = chk_may_change,
	.discard = chk_discard,
};

static const struct vm_backing_ops large_ops = {.may_change = chk_may_change};

struct vm_backing chk_areas = {.ops = &area_ops}, chk_large_objects = {.ops = &large_ops};
