/* SPDX-License-Identifier: MIT */
/*
 * Functions that this folder, the lowest layer, calls and that layers above it define. Each comment
 * names the file.
 */
#ifndef ARCH_NEEDS_H
#define ARCH_NEEDS_H

#include "common/types.h"

struct trapframe;

/*
 * Allocates a block of 2^order pages of zeros, aligned to its size. Returns its GPA, or 0 if there
 * is no memory. kernel/mm/frame.c
 */
u64 arch_needs_pages(unsigned order);
void arch_needs_pages_freed(u64 gpa, unsigned order);
/*
 * The same for a page table. reserve: FRAME_RESERVE, for a page table of the physmap.
 * kernel/mm/table_page.c
 */
u64 arch_needs_table(bool reserve);
void arch_needs_table_freed(u64 gpa);

/*
 * Copies at most size bytes of the running program's memory at va. Returns how many could be read.
 * kernel/entry.c
 */
u32 arch_needs_user_bytes(u8 *to, u64 va, u32 size);

/*
 * entry.S calls these on the thread's kernel stack, with the frame at its top. trap_handle serves
 * an exception or an upcall; syscall_dispatch runs the system call in the frame and stores its
 * result there. Then exit_work does pending work, such as signals, before the program goes on; it
 * is called again until the upcall word stays clear. kernel/entry.c, kernel/syscall/dispatch.c
 */
void trap_handle(struct trapframe *frame);
void syscall_dispatch(struct trapframe *frame);
void exit_work(struct trapframe *frame);

/*
 * Counterparts for the ring-3 mode, in which call sites are patched (stubs.h).
 * syscall_by_instruction is for a SYSCALL; call_by_stub is for a patched site, whose slot is
 * frame->error. After exit_work_ring3, frame->rip is in a stub if a jump has replaced the
 * instruction there. exit_work_fast does the same and returns whether the kernel may be left
 * without IRETQ. kernel/entry.c
 */
void syscall_by_instruction(struct trapframe *frame);
void call_by_stub(struct trapframe *frame);
void exit_work_ring3(struct trapframe *frame);
bool exit_work_fast(struct trapframe *frame);

/*
 * For the running process's text at rip. arch_needs_unpatched maps the page's original again,
 * because the program is single-stepped there. arch_needs_is_patched returns whether a jump has
 * replaced the SYSCALL that was at rip. kernel/entry.c
 */
void arch_needs_unpatched(u64 rip);
bool arch_needs_is_patched(u64 rip);
/* The kernel has answered a CPUID at rip, which faulted: it may be patched. kernel/entry.c */
void arch_needs_cpuid_noted(u64 rip);

/*
 * Returns the address at which the running process has a page of text that has a stub (stub_new);
 * 0: it does not have the page. text may be freed. kernel/entry.c
 */
u64 arch_needs_text(const void *text);

#endif
