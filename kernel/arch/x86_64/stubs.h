/* SPDX-License-Identifier: MIT */
/*
 * The stubs of patched call sites: their memory in the top 2 GiB, and the translation between
 * addresses in a stub and in the program's text. Ring-3 mode only: there the kernel shares ring and
 * address space with the program, so a jump to the stub enters the kernel without SYSCALL.
 *
 * The kernel never shows the address of a stub. A signal, a core file or a debugger gets the
 * address in the program's own text that the stub's stands for.
 */
#ifndef KERNEL_ARCH_X86_64_STUBS_H
#define KERNEL_ARCH_X86_64_STUBS_H

#include "kernel/arch/x86_64/call_site.h"

/* Call sites are patched in this sandbox. */
extern bool stubs_on;

/* Sets stubs_on. Called once, after frame_init and before the first program. */
void stubs_init(void);

/*
 * Makes a stub for a site in a page of text. text names the page for arch_needs_text; the region
 * (the bytes that the jump replaces) begins at offset start in the page; region is a copy of its
 * text. Returns the slot, or 0 if no slot or no memory is left.
 */
u32 stub_new(const void *text, u32 start, const struct call_site *s, const u8 *region);
/* No thread may be in the stub or be able to reach it. */
void stub_free(u32 slot);

/* Returns the stub's address for a program that is `offset` bytes into the region; not for 0. */
u64 stub_address(u32 slot, const struct call_site *s, u32 offset);

/*
 * Returns whether rip is in a stub of the running process's text; then *native is the address in
 * the text.
 */
bool stub_native(u64 rip, u64 *native);

/* Returns whether rip is in the part of a stub that leads back to the program. */
static inline bool stub_leaves(u64 rip)
{
	return rip - PATCH_OUT_BASE < PATCH_SLOTS * PATCH_OUT_SIZE;
}

/*
 * Returns the address behind the SYSCALL whose stub has entered the kernel with this slot. 0: the
 * running process has no such text; it has jumped into another one's stub.
 */
u64 stub_return(u64 slot);

/* Returns whether the slot's site is a CPUID. */
bool stub_is_cpuid(u64 slot);

/* Returns whether rip is the first byte of a stub: the program has just executed the jump. */
bool stub_entered(u64 rip);

#endif
