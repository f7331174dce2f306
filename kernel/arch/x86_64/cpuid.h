/* SPDX-License-Identifier: MIT */
/*
 * CPUID as programs see it.
 *
 * A KVM without hardware virtualization leaves the host's XCR0 in place while a program runs, but
 * answers CPUID leaf 0xd for the XCR0 that the VM was given. Where the two differ, the monitor
 * hands over a table of all answers (common/boot_info.h) and makes CPUID fault in ring 3 (Intel SDM
 * vol. 3, "CPUID faulting"); the kernel then answers from the table. Elsewhere the table is empty
 * and the instruction does not fault: cpuid_read executes it, and cpuid_emulate returns false.
 */
#ifndef ARCH_CPUID_H
#define ARCH_CPUID_H

#include "common/boot_info.h"
#include "common/types.h"

struct trapframe;

/* Stores the answer for this vCPU in reg, EAX to EDX. Works after arch_init has set boot. */
void cpuid_read(u32 leaf, u32 subleaf, u32 reg[4]);

/*
 * If the general protection fault in f is that of a CPUID of the program's, writes the answer into
 * the frame, moves RIP behind the instruction, and returns true. Else returns false.
 */
bool cpuid_emulate(struct trapframe *f);

/*
 * Makes f, which a patched CPUID's stub has built as for a system call, the frame of that CPUID,
 * and writes the answer into it.
 */
void cpuid_by_stub(struct trapframe *f);

/*
 * Returns the length, with prefixes, of the CPUID instruction at the start of insn[0, len), or 0 if
 * there is another instruction. Pure.
 */
u32 cpuid_length(const u8 *insn, u32 len);

/*
 * Stores the answer of table[0, count) for the vCPU with this APIC id in reg. A leaf above the
 * highest one gets the answer of the vendor's CPUs (Intel SDM vol. 2A, CPUID; AMD APM vol. 3).
 * Pure.
 */
void cpuid_answer(const struct boot_cpuid *table, u32 count, u32 apic_id, u32 leaf, u32 subleaf,
		  u32 reg[4]);

#endif
