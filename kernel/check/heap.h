/* SPDX-License-Identifier: MIT */
/*
 * What check keeps for each address space, and the lookups that all files of kernel/check/ use.
 * The rest of the kernel includes only kernel/check_hooks.h. The hooks in it call functions chk_*
 * of this folder, in a sandbox that checks; their contracts are in that header.
 *
 * CHK_CALL_START creates the struct chk_heap of an address space, fork(2) copies it, and the end of
 * the address space frees it. mm.lock guards its content, except .exiting, .forked and .sum.faults,
 * which are also written without the lock.
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

struct chk_gone_map;
struct chk_heap;
struct chk_thread;
struct leak_thread;

/* mm.check: what check keeps for an address space as long as that exists. */
struct check_mm {
	struct chk_heap *heap; /* NULL until the library has started */
	struct mm_unwind unwind;
	struct leak_thread *leak_threads; /* leak.h */
	struct chk_gone_map *gone;	  /* gone.h */
	struct chk_thread *threads;	  /* that have ended: threads.h */
	struct exec_preload preload;	  /* inject.h: what to restore; all 0: nothing */
	bool musl;			  /* the program's C library is musl */
	u64 errno_location;		  /* __errno_location of a static program; 0: not known */
};

/* Returns whether addr lies in the guarded range, whose addresses only the heap gives out. */
static inline bool chk_range(u64 addr)
{
	return addr >= CHK_GUARDED_BASE && addr < CHK_GUARDED_END;
}

/*
 * Finds the object whose pages, slot or guard page contain addr, live or dead. Returns false if no
 * such object is known. mm.lock is held.
 */
bool chk_find(struct mm *mm, u64 addr, struct check_object *object);
/*
 * Finds the first live object that ends behind addr. Returns false if there is none. A loop that
 * begins with addr 0 and continues with start + MAX(size, 1) visits all live objects. *alloc_stack
 * is the id of the allocation's stack, for chk_stack. mm.lock is held.
 */
bool chk_next_live(struct mm *mm, u64 addr, struct check_object *object, u32 *alloc_stack);
/*
 * Finds the return addresses of a stack id, innermost first, and returns how many there are. They
 * are valid as long as the heap exists.
 */
u32 chk_stack(struct mm *mm, u32 id, const u64 **pc);

#endif
