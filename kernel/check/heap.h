/* SPDX-License-Identifier: MIT */
/*
 * What the files of kernel/check/ know of each other's address spaces. The rest of the kernel knows
 * kernel/check_hooks.h only; the functions that it calls there (chk_*) are called in a sandbox that
 * checks, and each has its contract there.
 *
 * struct chk_heap is guarded by mm.lock as a whole. It begins with the library's CHK_CALL_START,
 * is copied by fork(2), and ends with the address space.
 */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include "common/boot_info.h"
#include "check/abi/check.h"
#include "common/types.h"
#include "kernel/check_hooks.h"
#include "kernel/exec/stack.h"
#include "kernel/check/module.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"

struct chk_heap;
struct leak_thread;

/* What check has of an address space, from its first moment to its last: mm.check. */
struct check_mm {
	struct chk_heap *heap; /* once the library has started; else NULL */
	struct mm_unwind unwind;
	struct leak_thread *leak_threads; /* leak.h */
	struct exec_preload preload;	  /* inject.h: what to put back; all 0: nothing */
};

/* addr lies in the range whose addresses only the heap gives out. */
static inline bool chk_range(u64 addr)
{
	return addr >= CHK_GUARDED_BASE && addr < CHK_GUARDED_END;
}

/*
 * What lies at or next to addr, live or not. False: nothing that is known of. mm.lock is held.
 */
bool chk_find(struct mm *mm, u64 addr, struct check_object *object);
/*
 * The first live object that ends behind addr; false: there is none. Walks all live objects when
 * begun at 0 and continued at start + MAX(size, 1). *alloc_stack: for chk_stack. mm.lock is held.
 */
bool chk_next_live(struct mm *mm, u64 addr, struct check_object *object, u32 *alloc_stack);
/* The return addresses of a stack id, innermost first; valid as long as the heap. Their number. */
u32 chk_stack(struct mm *mm, u32 id, const u64 **pc);

#endif
