// SPDX-License-Identifier: MIT
/*
 * The pages of small objects: their page-table entries, and the canaries in their frames.
 *
 * If an object has few pages, they get frames when the object is made, else when the program
 * touches them. A page that madvise(2) dropped gets a frame when it is touched. Each frame belongs
 * to one object.
 */
#include <linux/mman.h>
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/check/internal.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/pagetable.h"

#define POPULATE_BATCH 16 /* pages */

void range_fill(const struct chk_object *obj, u64 page, u8 *p)
{
	u64 start = obj->o.start, end = start + obj->o.size;
	u64 front = MAX(page, start - MIN(CHK_CANARY_FRONT, start - ALIGN_DOWN(start, PAGE_SIZE)));

	for (u64 at = front; at < MIN(start, page + PAGE_SIZE); at++)
		p[at - page] = CHK_CANARY;
	for (u64 at = MAX(page, end); at < page + PAGE_SIZE; at++)
		p[at - page] = CHK_CANARY;
}

/* Maps a fresh frame at page, with the canaries of obj if it is not NULL. Returns 0 or -ENOMEM. */
static int add_page(struct mm *mm, const struct chk_object *obj, u64 page)
{
	u64 *entry = pt_alloc(mm, page), gpa;

	if (!entry)
		return -ENOMEM;
	if (*entry)
		return 0;
	gpa = frame_alloc(0, FRAME_ZERO);
	if (!gpa)
		return -ENOMEM;
	if (obj)
		range_fill(obj, page, phys_to_virt(gpa));
	pt_set(mm, entry, arch_pte(gpa, PROT_READ | PROT_WRITE, false) | PTE_OWNED);
	return 0;
}

int range_populate(struct mm *mm, const struct chk_object *obj, u64 page)
{
	u64 first = ALIGN_DOWN(obj->o.start, PAGE_SIZE);
	u64 end = ALIGN_UP(obj->o.start + obj->o.size, PAGE_SIZE), until;
	int err;

	if (page < first || page >= end || !obj->o.size)
		return -EFAULT;
	until = MIN(end, page + POPULATE_BATCH * PAGE_SIZE);
	err = add_page(mm, obj, page);
	while (!err && (page += PAGE_SIZE) < until)
		if (add_page(mm, obj, page) < 0)
			break; /* not an error: the page that was asked for is mapped */
	return err;
}

int range_scratch(struct mm *mm, u64 addr)
{
	return add_page(mm, NULL, ALIGN_DOWN(addr, PAGE_SIZE));
}
