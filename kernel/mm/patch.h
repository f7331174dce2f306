/* SPDX-License-Identifier: MIT */
/*
 * Patched call sites of an address space (docs/hosts.md has the whole picture). Ring-3 mode.
 *
 * A SYSCALL instruction that is executed again and again becomes a jump to a stub
 * (arch/x86_64/stubs.h). The jump is written into a private copy of the page of text. The kernel
 * keeps the original page, and reads that one for every reader but the CPU: system calls, other
 * processes, /proc, core files. The page goes back to its original as soon as the program may write
 * or may no longer execute it.
 *
 * Only text of files in private mappings that nobody may write is patched.
 */
#ifndef KERNEL_MM_PATCH_H
#define KERNEL_MM_PATCH_H

#include "common/types.h"

struct mm;

/*
 * A thread of mm, the running process's, executed SYSCALL at address at, number nr: the site is
 * patched if it is worth it and can be. No lock is held.
 */
void patch_note(struct mm *mm, u64 at, u64 nr);

/*
 * A thread of mm leaves the kernel for address rip. Returns where it goes: to a stub if a jump has
 * replaced the instruction at rip. Waits while a site is being patched. No lock is held.
 */
u64 patch_resume(struct mm *mm, u64 rip);

/* Has a jump replaced the SYSCALL at address at? No lock is held. */
bool patch_has(struct mm *mm, u64 at);

/*
 * What a reader of the page at va has to be shown where its leaf is entry: entry itself, or the
 * leaf of the original page. mm.lock is held.
 */
u64 patch_original(struct mm *mm, u64 va, u64 entry);

/*
 * Patched pages of [start, end) become their originals again, and sites there may be patched once
 * more later. For a change of protection, a move, and whoever writes into text that the program may
 * not write. mm.lock is held.
 */
void patch_undo(struct mm *mm, u64 start, u64 end);
/* The same without the lock, for the page that has rip. */
void patch_undo_at(struct mm *mm, u64 rip);

/* Pages of [start, end) are about to be unmapped. mm.lock is held. */
void patch_forget(struct mm *mm, u64 start, u64 end);

/*
 * fork(2): child has the same pages as mm now, whose mm.lock is held. 0 or -ENOMEM: the caller ends
 * child.
 */
int patch_fork(struct mm *child, struct mm *mm);

/* The address space ends; no vCPU runs in it, and its pages are gone. */
void patch_free(struct mm *mm);

#endif
