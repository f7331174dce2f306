/* SPDX-License-Identifier: MIT */
/*
 * The library's own allocator: base slots (check/abi/call.h) in spans, for objects that do not
 * get frames of their own. Spans belong to arenas; a thread allocates from the one its thread
 * pointer leads to, and frees into the one that the object is from.
 *
 * An arena's lock may be held by the very thread that wants it: a signal handler came between.
 * Then nothing is done, and the caller has another way.
 */
#ifndef CHECK_PRELOAD_BASE_H
#define CHECK_PRELOAD_BASE_H

#include "check/preload/library.h"

/* An alias begins where its slot does in a page, but anywhere else in memory. */
#define BASE_ALIGN_MAX	 4096
/* Bytes behind every object that must stay as they are, at least. */
#define CHK_CANARY_LEAST 8

/*
 * An object of at most CHK_SLOT_MAX - CHK_CANARY_LEAST bytes in a slot (alias: seen through an
 * alias), its content undefined; from is the caller's. NULL: no memory, or the arena is in use by
 * this thread.
 */
void *base_alloc(u64 size, u64 align, enum chk_function fn, bool alias,
		 const struct chk_frame *from);

/* What an address is to the base allocator. */
enum base_result {
	BASE_NOT_MINE, /* or not the begin of a live object: the kernel's to judge */
	BASE_DONE,
};

/*
 * Releases the object at p if it lives and nothing is wrong. moved: by realloc. force: whatever is
 * wrong with its surroundings or with fn has been reported.
 */
enum base_result base_free(void *p, enum chk_function fn, bool moved, bool force,
			   const struct chk_frame *from);

/* Its size, if it is a live object here. */
bool base_size(const void *p, u64 *size);
/* It has the new size now, where it is: within its slot, no alias. */
bool base_resize(void *p, u64 size, const struct chk_frame *from);

/* Objects that were released but wait are ended now. */
void base_flush(void);

/*
 * There is no memory: spans without an object are given back, for good. True: there were some.
 */
bool base_give_back(void);

#endif
