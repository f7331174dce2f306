/* SPDX-License-Identifier: MIT */
/*
 * CPUID, as programs are to see it.
 *
 * A KVM without hardware virtualization leaves the host's XCR0 in place while a program runs, but
 * answers CPUID leaf 0xd for the XCR0 that the VM was given. Where the two differ, the monitor
 * hands over a table of all answers (common/boot_info.h) and makes CPUID fault in ring 3 (Intel SDM
 * vol. 3, "CPUID faulting"); the kernel then answers from the table. Elsewhere the table is empty,
 * the instruction does not fault, and nothing here is called but cpuid_read.
 */
#ifndef ARCH_CPUID_H
#define ARCH_CPUID_H

#include "common/boot_info.h"
#include "common/types.h"

struct trapframe;

/* The answer for this vCPU: EAX to EDX. Valid once boot is set; executes CPUID without a table. */
void cpuid_read(u32 leaf, u32 subleaf, u32 reg[4]);

/*
 * If the general protection fault in f is that of a CPUID of the program's, writes the answer into
 * the frame, moves RIP behind the instruction, and returns true. False: the fault is another's.
 */
bool cpuid_emulate(struct trapframe *f);

/*
 * The length of the CPUID instruction at the start of insn[0, len) with its prefixes, 0 if another
 * one is there. Pure.
 */
u32 cpuid_length(const u8 *insn, u32 len);

/*
 * The answer out of table[0, count) for the vCPU whose APIC id is given; a leaf behind the last one
 * is answered as the vendor's CPUs do (Intel SDM vol. 2A, CPUID; AMD APM vol. 3). Pure.
 */
void cpuid_answer(const struct boot_cpuid *table, u32 count, u32 apic_id, u32 leaf, u32 subleaf,
		  u32 reg[4]);

#endif
