// SPDX-License-Identifier: MIT
/*
 * The two backings of the guarded heap. chk_areas is the backing of the areas whose pages
 * kernel/check/ maps itself. chk_large_objects is that of large objects: they are anonymous memory,
 * but chk_may_change decides what the program may do to it.
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
