/* SPDX-License-Identifier: MIT */
/*
 * Pages for page tables. They come from a part of the boot slot, away from all other memory,
 * because a KVM with shadow paging maps no 2 MiB in which a page is a page table: tables among the
 * frames of RAM would make the kernel's accesses to all memory around them cost an exit for each
 * few pages. Where that part is used up, tables are frames.
 */
#ifndef KERNEL_MM_TABLE_PAGE_H
#define KERNEL_MM_TABLE_PAGE_H

#include "common/types.h"

/*
 * Allocates a page of zeros; flags: FRAME_RESERVE or 0, for when it has to be a frame. Returns its
 * GPA, or 0 if there is no memory.
 */
u64 table_page_alloc(unsigned flags);
void table_page_free(u64 gpa);

#endif
