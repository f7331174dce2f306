/* SPDX-License-Identifier: MIT */
/*
 * What this folder, the lowest layer, calls in those above it. The functions are defined there:
 * each says where.
 */
#ifndef ARCH_NEEDS_H
#define ARCH_NEEDS_H

#include "common/types.h"

struct trapframe;

/*
 * A block of 2^order pages of zeros, aligned to its size: its GPA, or 0 if there is no memory.
 * reserve: the block is a page table of the physmap, so that no RAM is added for it.
 * kernel/mm/frame.c
 */
u64 arch_needs_pages(unsigned order, bool reserve);
void arch_needs_pages_freed(u64 gpa, unsigned order);

/*
 * Copies at most size bytes of the running program's memory at va. Returns how many were there.
 * kernel/entry.c
 */
u32 arch_needs_user_bytes(u8 *to, u64 va, u32 size);

/*
 * entry.S calls these on the thread's kernel stack, with the frame at its top. trap_handle serves
 * an exception or an upcall; syscall_dispatch runs the system call in the frame and leaves its
 * result there. Then exit_work does what waits before the program goes on; it is called again until
 * the upcall word stays clear. kernel/entry.c, kernel/syscall/dispatch.c
 */
void trap_handle(struct trapframe *frame);
void syscall_dispatch(struct trapframe *frame);
void exit_work(struct trapframe *frame);

/*
 * The same in the ring-3 mode, where call sites are patched (stubs.h). syscall_by_instruction is
 * for a SYSCALL; syscall_by_stub for a patched site, whose slot is frame->error. exit_work_ring3
 * ends with frame->rip in a stub where the program's own text has a jump; exit_work_fast does the
 * same and returns whether the frame may be left without IRETQ. kernel/entry.c
 */
void syscall_by_instruction(struct trapframe *frame);
void syscall_by_stub(struct trapframe *frame);
void exit_work_ring3(struct trapframe *frame);
bool exit_work_fast(struct trapframe *frame);

/*
 * The running process's text at rip: arch_needs_unpatched makes the page its original again,
 * because the program is being stepped there; arch_needs_is_patched: a jump has replaced the
 * SYSCALL that was at rip. kernel/entry.c
 */
void arch_needs_unpatched(u64 rip);
bool arch_needs_is_patched(u64 rip);

#endif
