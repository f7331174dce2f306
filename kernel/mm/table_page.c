// SPDX-License-Identifier: MIT
/* See table_page.h. */
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/table_page.h"

static struct mutex table_lock = MUTEX_INIT(LOCK_TABLE_PAGE);
static u32 fresh
	GUARDED_BY(table_lock); /* pages that were handed out at least once; others are zero */
static u16 stack[TABLE_PAGES_MAX] GUARDED_BY(
	table_lock); /* free ones among these, the last freed on top */
static u32 stacked GUARDED_BY(table_lock);

u64 table_page_alloc(unsigned flags)
{
	bool used = false;
	u64 gpa = 0;

	mutex_lock(&table_lock);
	if (stacked) {
		gpa = boot->tables_gpa + stack[--stacked] * PAGE_SIZE;
		used = true;
	} else if (fresh < boot->tables) {
		gpa = boot->tables_gpa + fresh++ * PAGE_SIZE;
	}
	mutex_unlock(&table_lock);
	if (used)
		memset(phys_to_virt(gpa), 0, PAGE_SIZE);
	else if (gpa) /* a page of the host that is read first costs a second fault when it is
			 written */
		WRITE_ONCE(*(u64 *)phys_to_virt(gpa), 0);
	return gpa ? gpa : frame_alloc(0, FRAME_ZERO | flags);
}

void table_page_free(u64 gpa)
{
	u64 index = (gpa - boot->tables_gpa) >> PAGE_SHIFT;

	if (index >= boot->tables) {
		frame_put(gpa);
		return;
	}
	mutex_lock(&table_lock);
	KASSERT(index < fresh && stacked < fresh);
	stack[stacked++] = (u16)index;
	mutex_unlock(&table_lock);
}

u64 arch_needs_table(bool reserve)
{
	return table_page_alloc(reserve ? FRAME_RESERVE : 0);
}

void arch_needs_table_freed(u64 gpa)
{
	table_page_free(gpa);
}
