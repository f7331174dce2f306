/* SPDX-License-Identifier: MIT */
/*
 * For this directory only: the ring mode, symbols of entry.S, and the kernel's page tables.
 */
#ifndef ARCH_RING_H
#define ARCH_RING_H

#include "kernel/arch/x86_64/arch.h"

extern bool ring3_mode;

/* entry.S */
extern char entry_page_start[], entry_syscall[], entry_syscall_on_stack[], isr_start[],
	trap_entry[], syscall_entry[];
extern char upcall_entry[], exit_start[], exit_end[], exit_restart[];
extern char copy_start[], copy_end[], copy_fixup[];
extern char stub_flush_1[], stub_flush_2[], stub_flush_3[], stub_flush_4[], stub_switch[];
extern const u64 entry_stub_offset[VEC_COUNT], entry_trap_offset[VEC_COUNT], isr_offset[VEC_COUNT];
extern char vcpu_entry[], syscall_entry_ring3[], stub_entry[], stub_shared_start[],
	stub_shared_end[];
void switch_stack(void **save_sp, void *sp);
void ring3_ask(u64 a, u64 b, u64 c, u64 d);

/* Returns the top-level table that has no program. */
u64 pagetable_kernel(void);
/*
 * Maps a vCPU's area: the entry page, then VCPU_AREA_PAGES pages from gpa on. Returns 0 or -ENOMEM.
 */
int pagetable_map_vcpu(u32 id, u64 gpa);
/*
 * Returns the address at which the kernel may write the byte of the stubs' memory that programs see
 * at va. The first call for a page maps a page of zeros for good; programs may read it, and execute
 * it if exec is set. NULL: no memory. The caller serializes calls. Ring-3 mode only.
 */
void *pagetable_map_stubs(u64 va, bool exec);
/* The address of a vCPU's area. */
static inline u64 ring_area(u32 vcpu)
{
	return VCPU_AREA_BASE + vcpu * VCPU_AREA_STRIDE;
}

#endif
