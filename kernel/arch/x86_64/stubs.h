/* SPDX-License-Identifier: MIT */
/*
 * The stubs of patched call sites: their memory in the top 2 GiB, and which address of a stub
 * stands for which of the program. Ring-3 mode only, where the kernel shares ring and address space
 * with the program: there a jump to the stub enters the kernel without SYSCALL.
 *
 * A program never learns the address of a stub: whatever takes its registers (a signal, a core
 * file, a debugger) sees the address in its own text that it would be at.
 */
#ifndef KERNEL_ARCH_X86_64_STUBS_H
#define KERNEL_ARCH_X86_64_STUBS_H

#include "kernel/arch/x86_64/call_site.h"

/* Call sites are patched in this sandbox. */
extern bool stubs_on;

/* Once, when memory can be had, before the first program: decides stubs_on. */
void stubs_init(void);

/*
 * A stub for the site whose first moved byte is at start; region is the text from there to the
 * last. Its slot, with a reference for the caller; 0: no slot or no memory is left.
 */
u32 stub_new(u64 start, const struct call_site *s, const u8 *region);
void stub_get(u32 slot);
/* The last reference: no thread may be in the stub, or come to it, any more. */
void stub_put(u32 slot);

/* Where the program goes on that is `offset` bytes into the region, if it is not at its start. */
u64 stub_address(u32 slot, const struct call_site *s, u32 offset);

/* Is rip in a stub? Then *native is where the program would be without it. */
bool stub_native(u64 rip, u64 *native);

/* Is rip the first byte of a stub: has the program just executed the jump? */
bool stub_entered(u64 rip);

#endif
