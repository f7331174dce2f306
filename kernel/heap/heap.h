/* SPDX-License-Identifier: MIT */
/*
 * The guarded heap of `buffervm check`, as the rest of the kernel sees it. heap_call is not called
 * in a sandbox that does not check: heap_checking() comes first.
 *
 * struct heap hangs off struct mm and everything in it is guarded by mm.lock. It begins with the
 * library's HEAP_CALL_START, is copied by fork(2), and ends with the address space.
 */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include "common/boot_info.h"
#include "common/check.h"
#include "common/types.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"

struct syscall_args;

static inline bool heap_checking(void)
{
	return boot->check.flags & CHECK_ON;
}

/* The heap library's system call HEAP_CALL_BASE + op (common/heap_call.h): >= 0 or -errno. */
s64 heap_call(u64 op, const struct syscall_args *args);

/*
 * The program's fault at addr could not be served. True: it was a bug in the guarded range, which
 * was reported, and the program retries the instruction. No lock is held; does not return where
 * the process ends for it.
 */
bool heap_fault(struct mm *mm, u64 addr, enum mm_access access);

/*
 * The kernel could not, for the system call under way, read or write (write) the program's memory
 * at addr. Reports it where addr lies in the guarded range; the call fails with EFAULT whatever
 * the user's choices. No lock is held.
 */
void heap_syscall_fault(u64 addr, bool write);

/* The running process's last thread is about to end with this wait(2) status: last looks. */
void heap_exit(int wait_status);

/* The running thread is about to enter its program for the first time. */
void heap_thread_begin(void);

/* fork(2): child, which has the mappings already, gets a heap like mm's. 0 or -ENOMEM. */
int heap_dup(struct mm *child, struct mm *mm);
/* The address space ends; its pages are gone already. */
void heap_free(struct mm *mm);

/* addr lies in the range whose addresses only the heap gives out. */
static inline bool heap_range(u64 addr)
{
	return addr >= HEAP_GUARDED_BASE && addr < HEAP_GUARDED_END;
}

/* A part of [start, end) is. A program's calls of memory (mmap(2) and so on) must not touch it. */
static inline bool heap_owns(u64 start, u64 end)
{
	return heap_checking() && start < HEAP_GUARDED_END && end > HEAP_GUARDED_BASE;
}

/*
 * What lies at or next to addr, live or not. False: nothing that is known of. mm.lock is held.
 */
bool heap_find(struct mm *mm, u64 addr, struct check_object *object);
/*
 * The first live object that ends behind addr; false: there is none. Walks all live objects when
 * begun at 0 and continued at start + MAX(size, 1). *alloc_stack: for heap_stack. mm.lock is held.
 */
bool heap_next_live(struct mm *mm, u64 addr, struct check_object *object, u32 *alloc_stack);
/* The return addresses of a stack id, innermost first; valid as long as the heap. Their number. */
u32 heap_stack(struct mm *mm, u32 id, const u64 **pc);

#endif
