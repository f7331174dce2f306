/* SPDX-License-Identifier: MIT */
/*
 * What only this directory knows: the ring mode, and the instructions that differ in it.
 */
#ifndef ARCH_RING_H
#define ARCH_RING_H

#include "kernel/arch/x86_64/arch.h"

extern bool ring3_mode;

/* entry.S */
extern char entry_page_start[], entry_syscall[], entry_syscall_on_stack[], isr_start[],
	trap_entry[], syscall_entry[];
extern char upcall_entry[], exit_start[], exit_end[], exit_restart[];
extern char copy_start[], copy_end[], copy_fixup[], ring3_flush_rip[], ring3_switch_rip[];
extern const u64 entry_stub_offset[VEC_COUNT], entry_trap_offset[VEC_COUNT], isr_offset[VEC_COUNT];
extern char vcpu_entry[], syscall_entry_ring3[], stub_entry[], stub_shared_start[],
	stub_shared_end[];
void switch_stack(void **save_sp, void *sp);
void ring3_flush_page(u64 va);
void ring3_switch(u64 cr3);

/* The top-level table without a program. */
u64 pagetable_kernel(void);
/* Makes the area of a vCPU visible: entry page, then VCPU_AREA_PAGES from gpa. 0 or -ENOMEM. */
int pagetable_map_vcpu(u32 id, u64 gpa);
/*
 * The page of the kernel's part of the address space that has va, as the kernel may write it: a
 * page of zeros that is mapped for good at the first call. Programs may read it, and execute it if
 * exec says so. NULL: no memory. For one caller at a time. Ring-3 mode.
 */
void *pagetable_map_stubs(u64 va, bool exec);
/* Which vCPU area a vCPU has. */
static inline u64 ring_area(u32 vcpu)
{
	return VCPU_AREA_BASE + vcpu * VCPU_AREA_STRIDE;
}

#endif
