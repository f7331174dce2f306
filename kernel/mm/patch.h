/* SPDX-License-Identifier: MIT */
/*
 * Patched call sites of an address space (docs/hosts.md has the whole picture). Ring-3 mode.
 *
 * A SYSCALL instruction that is executed repeatedly is replaced by a jump to a stub
 * (arch/x86_64/stubs.h). The jump is written into a copy of the page of text. The kernel keeps the
 * original page and shows it to every reader but the CPU: system calls, other processes, /proc,
 * core files. The original is mapped again when the page's protection changes.
 *
 * Only text of files is patched, in private mappings that are executable and not writable. Address
 * spaces that map the same page of a program or library share the copy (patch_text.h).
 */
#ifndef KERNEL_MM_PATCH_H
#define KERNEL_MM_PATCH_H

#include "common/types.h"

struct mm;
struct vma;

#define PATCH_CPUID (-1UL)

/*
 * Called when a thread of mm, the running process's address space, has executed the SYSCALL at
 * address at with number nr, or a CPUID there (nr: PATCH_CPUID). Counts the call, and patches the
 * site if it was called often enough and a form fits. If another address space has patched it, mm
 * takes the pages of this text with all jumps. So only text that a program executes gets jumps: a
 * binary translator (valgrind) that reads text sees the original. No lock is held.
 */
void patch_note(struct mm *mm, u64 at, u64 nr);

/*
 * execve(2): maps, for the text of a program and its interpreter, the pages with jumps that other
 * address spaces have made. No vCPU runs in mm, and nothing but these two files is mapped, which
 * are sure to be executed. mm.lock is held.
 */
void patch_exec(struct mm *mm);
/*
 * As patch_exec for text in [va, va + size), which was mapped just now and will be executed.
 * mm.lock is held.
 */
void patch_mapped(struct mm *mm, u64 va, u64 size);

/*
 * Called when a thread of mm leaves the kernel for address rip. Returns the address to leave for:
 * one in a stub if a jump has replaced the instruction at rip, else rip. In the first case *end is
 * the address in the program's text at which the stub ends. Waits while a site is being patched. No
 * lock is held.
 */
u64 patch_resume(struct mm *mm, u64 rip, u64 *end);

/*
 * Returns the address of the page at which mm shows, or has shown, the text that a stub belongs to
 * (stub_new's first argument); 0: at none. No lock is held.
 */
u64 patch_address(struct mm *mm, const void *text);

/* Returns whether a jump has replaced the SYSCALL at address at. No lock is held. */
bool patch_has(struct mm *mm, u64 at);

/*
 * Returns the leaf to read the page at va from, whose leaf in the page table is entry: that of the
 * original page if the page is patched, else entry. mm.lock is held.
 */
u64 patch_original(struct mm *mm, u64 va, u64 entry);

/*
 * Maps the originals of the patched pages in [start, end) again. Their sites may be patched again
 * later. Called before protection changes, before pages move, and before the kernel writes into
 * text that the program may not write. mm.lock is held.
 */
void patch_undo(struct mm *mm, u64 start, u64 end);
/* As patch_undo for the page that contains rip; takes mm.lock. */
void patch_undo_at(struct mm *mm, u64 rip);

/*
 * As patch_undo_at, and patches nothing more in mm: a thread whose GS is the program's would have
 * to go on in a stub that uses the kernel's.
 */
void patch_stop(struct mm *mm, u64 rip);

/* Called when pages of [start, end) are about to be unmapped. mm.lock is held. */
void patch_forget(struct mm *mm, u64 start, u64 end);

/*
 * fork(2): child, which has the pages of mm already, gets the records of patched ones. mm.lock of
 * mm is held. Returns 0, or -ENOMEM, after which the caller destroys child.
 */
int patch_fork(struct mm *child, struct mm *mm);

/* Frees the records when the address space ends. No vCPU runs in it; its pages are unmapped. */
void patch_free(struct mm *mm);

#endif
