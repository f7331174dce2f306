// SPDX-License-Identifier: MIT
/*
 * Page-table entries, and the kernel's part of every address space.
 *
 * The monitor made the boot page tables. They map the kernel image, vCPU areas and doorbell (in the
 * top slot), and the physmap of the boot slot, the frame array and the first RAM. Every other
 * top-level table copies the kernel's slots. The tables below these slots are shared, so that all
 * address spaces see growth of the physmap at once.
 */
#include <linux/mman.h>
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/arch/x86_64/ring.h"

#define PML4_SHIFT 39
#define PDPT_SHIFT 30
#define SLOTS	   512

static struct mutex physmap_lock = MUTEX_INIT(LOCK_PHYSMAP);

u64 pagetable_kernel(void)
{
	return ring3_mode ? boot->cr3_ring3 : boot->cr3_ring0;
}

static unsigned physmap_slot(void)
{
	return physmap_base >> PML4_SHIFT & (SLOTS - 1);
}

static bool kernel_slot(unsigned slot)
{
	return slot - physmap_slot() < PHYSMAP_SIZE >> PML4_SHIFT || slot == SLOTS - 1;
}

bool arch_user_slot(unsigned slot)
{
	return slot < SLOTS / 2 && !kernel_slot(slot);
}

bool arch_user_range(u64 start, u64 end)
{
	if (start > end || end > USER_TOP)
		return false;
	return !ring3_mode || end <= PHYSMAP_RING3 || start >= PHYSMAP_RING3 + PHYSMAP_SIZE;
}

u64 arch_pagetable_new(void)
{
	u64 gpa = arch_needs_table(false);
	const u64 *from = phys_to_virt(pagetable_kernel());

	if (!gpa)
		return 0;
	for (unsigned i = 0; i < SLOTS; i++)
		if (kernel_slot(i))
			((u64 *)phys_to_virt(gpa))[i] = from[i];
	return gpa;
}

u64 arch_pte(u64 gpa, int prot, bool huge)
{
	return gpa | PTE_P | PTE_U | PTE_A | PTE_D | (prot & PROT_WRITE ? PTE_W : 0) |
	       (prot & PROT_EXEC ? 0 : PTE_NX) | (huge ? PTE_PS : 0);
}

u64 arch_pte_table(u64 gpa)
{
	return gpa | PTE_P | PTE_W | PTE_U | PTE_A;
}

int arch_physmap(u64 gpa, u64 size)
{
	u64 user = ring3_mode ? PTE_U : 0;
	int ret = 0;

	KASSERT(IS_ALIGNED(gpa | size, HUGE_SIZE) && gpa + size <= PHYSMAP_SIZE);
	mutex_lock(&physmap_lock);
	for (u64 end = gpa + size; gpa < end; gpa += HUGE_SIZE) {
		u64 va = physmap_base + gpa;
		u64 *pml4 = phys_to_virt(pagetable_kernel());
		/* The monitor made a table for each of the physmap's top-level slots. */
		u64 *pdpt = phys_to_virt(pml4[va >> PML4_SHIFT & (SLOTS - 1)] & PTE_ADDR);
		u64 *pdpte = &pdpt[va >> PDPT_SHIFT & (SLOTS - 1)];

		if (!*pdpte) {
			u64 table = arch_needs_table(true);

			if (!table) {
				ret = -ENOMEM;
				break;
			}
			*pdpte = table | PTE_P | PTE_W | PTE_A | user;
		}
		u64 *pd = phys_to_virt(*pdpte & PTE_ADDR);

		pd[va >> HUGE_SHIFT & (SLOTS - 1)] =
			gpa | PTE_P | PTE_W | PTE_A | PTE_D | PTE_PS | PTE_NX | user;
	}
	mutex_unlock(&physmap_lock);
	return ret;
}

int pagetable_map_vcpu(u32 id, u64 gpa)
{
	u64 user = ring3_mode ? PTE_U : 0;
	u64 va = ring_area(id);
	u64 *pml4 = phys_to_virt(pagetable_kernel());
	/* vCPU 0's area lies in the same GiB, so that a page directory exists. */
	u64 *pdpt = phys_to_virt(pml4[SLOTS - 1] & PTE_ADDR);
	u64 *pd = phys_to_virt(pdpt[va >> PDPT_SHIFT & (SLOTS - 1)] & PTE_ADDR);
	u64 *pde = &pd[va >> HUGE_SHIFT & (SLOTS - 1)];
	/* Allocated before the lock is taken: adding RAM takes it, to extend the physmap. */
	u64 table = READ_ONCE(*pde) ? 0 : arch_needs_table(false);
	u64 *pt;

	mutex_lock(&physmap_lock);
	if (!*pde && table) {
		*pde = table | PTE_P | PTE_W | PTE_A | user;
		table = 0;
	}
	if (!*pde) {
		mutex_unlock(&physmap_lock);
		return -ENOMEM;
	}
	pt = (u64 *)phys_to_virt(*pde & PTE_ADDR) + (va >> PAGE_SHIFT & (SLOTS - 1));
	pt[0] = virt_to_phys(entry_page_start) | PTE_P | PTE_A | PTE_D | user;
	for (unsigned i = 0; i < VCPU_AREA_PAGES; i++)
		pt[1 + i] = (gpa + i * PAGE_SIZE) | PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX | user;
	mutex_unlock(&physmap_lock);
	if (table)
		arch_needs_table_freed(table);
	return 0;
}

void *pagetable_map_stubs(u64 va, bool exec)
{
	u64 *pml4 = phys_to_virt(pagetable_kernel());
	/* The doorbell lies in the same GiB, so that a page directory exists. */
	u64 *pdpt = phys_to_virt(pml4[SLOTS - 1] & PTE_ADDR);
	u64 *pd = phys_to_virt(pdpt[va >> PDPT_SHIFT & (SLOTS - 1)] & PTE_ADDR);
	u64 *pde = &pd[va >> HUGE_SHIFT & (SLOTS - 1)], *pte;
	u64 gpa;

	if (!*pde) {
		gpa = arch_needs_table(false);
		if (!gpa)
			return NULL;
		mutex_lock(&physmap_lock);
		*pde = gpa | PTE_P | PTE_W | PTE_A | PTE_U;
		mutex_unlock(&physmap_lock);
	}
	pte = (u64 *)phys_to_virt(*pde & PTE_ADDR) + (va >> PAGE_SHIFT & (SLOTS - 1));
	if (!*pte) {
		gpa = arch_needs_pages(0);
		if (!gpa)
			return NULL;
		WRITE_ONCE(*pte, gpa | PTE_P | PTE_A | PTE_D | PTE_U | (exec ? 0 : PTE_NX));
	}
	return (char *)phys_to_virt(*pte & PTE_ADDR) + (va & PAGE_MASK);
}
