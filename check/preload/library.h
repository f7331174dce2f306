/* SPDX-License-Identifier: MIT */
/*
 * What the files of the heap library share. They run inside any program: at any time, in any
 * thread, in signal handlers, before the program's constructors and after its destructors. So they
 * use no libc and no thread-local storage. The only lock is that of an arena (base.h), which a
 * thread waits for by spinning and sched_yield(2).
 */
#ifndef CHECK_PRELOAD_LIBRARY_H
#define CHECK_PRELOAD_LIBRARY_H

#include "check/abi/call.h"
#include "common/types.h"

/* The state of a caller as its call returns: where stack capture begins. */
struct chk_frame {
	u64 rip, rsp, rbp;
};

/* The state of the caller of the function that uses this macro, which gets a frame pointer. */
#define CHK_CALLER                                                                                 \
	({                                                                                         \
		const u64 *frame_ = __builtin_frame_address(0);                                    \
		(struct chk_frame){frame_[1], (u64)(frame_ + 2), frame_[0]};                       \
	})

#define CHK_EXPORT __attribute__((visibility("default")))

/* malloc.c: the library's own malloc. */
CHK_EXPORT void *malloc(__SIZE_TYPE__ size);

/* start.c: starts the library, and returns what the kernel said; chk_begun is 1 from then on. */
const struct chk_start *chk_start_now(void);
extern struct chk_start chk_said;
extern u32 chk_begun;

/* Returns what the kernel said when the library started; starts the library if needed. */
static inline const struct chk_start *chk_started(void)
{
	return __builtin_expect(__atomic_load_n(&chk_begun, __ATOMIC_ACQUIRE), 1) ? &chk_said
										  : chk_start_now();
}

/* start.c: the kernel counts threads and forks here. */
extern struct chk_changes chk_changes;
/* start.c: the running thread's TID, and the next number of the process's heap operations. */
s32 chk_tid(void);
u32 chk_operation(void);

/* stack.c: takes the call stack of the caller and returns its id. */
u32 chk_stack_id(const struct chk_frame *from);

/*
 * alloc.c: the work of the functions of the malloc family. align is a power of two; fn is made by
 * CHK_FN. Without memory they return NULL and set errno to ENOMEM; otherwise they do not change
 * errno.
 */
void *chk_alloc(u64 size, u64 align, u32 fn, const struct chk_frame *from);
/* fn is made by CHK_FN. size: what the caller says that p has, or CHK_SIZE_UNKNOWN. */
void chk_release(void *p, u32 fn, u64 size, const struct chk_frame *from);
void *chk_resize(void *p, u64 size, const struct chk_frame *from);
/* Returns the size of the object at p; 0 if p is no live object. Reports a dead one. */
u64 chk_size(const void *p, const struct chk_frame *from);

/* Reports a size that no caller can have meant, in a call of fn. */
void chk_bad_size(u64 size, enum chk_function fn, const struct chk_frame *from);

/* symbol.c: finds a function of the program or its libraries; NULL: there is none. */
void *chk_symbol(const char *name);
/*
 * Finds the function that the program would use if this library were not there: the first one
 * behind it in ld.so's order. Stores its module in *in unless in is NULL.
 */
struct link_map;
void *chk_symbol_next(const char *name, const struct link_map **in);
/* Sets the thread's errno, if the program exports __errno_location. */
void chk_set_errno(int error);

#endif
