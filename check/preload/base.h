/* SPDX-License-Identifier: MIT */
/*
 * The library's own allocator: base slots (check/abi/call.h) in spans, for objects that do not
 * get frames of their own. Spans belong to arenas. A thread allocates from the arena that its
 * thread pointer selects, and frees into the arena that the object came from.
 *
 * A signal handler may want the lock of an arena that the interrupted code of its own thread holds.
 * base_alloc then fails, and its caller takes an object of another kind; base_free queues the
 * object, and the code that holds the lock releases it.
 */
#ifndef CHECK_PRELOAD_BASE_H
#define CHECK_PRELOAD_BASE_H

#include "check/preload/library.h"

/* An alias begins where its slot does in a page, but anywhere else in memory. */
#define BASE_ALIGN_MAX	 4096
/* Bytes behind every object that must stay as they are, at least. */
#define CHK_CANARY_LEAST 8

/* How the program sees an object. */
enum base_how {
	BASE_PLAIN,  /* in its slot */
	BASE_ALIAS,  /* through an alias */
	BASE_AFTER,  /* through an alias of its own page, at whose end it ends: a gap follows */
	BASE_BEFORE, /* the same, but it begins where the page does, behind a gap */
};

/*
 * Returns an object of at most CHK_SLOT_MAX - CHK_CANARY_LEAST bytes in a slot, with undefined
 * content. fn is made by CHK_FN. An object that does not fit what how asks for
 * gets BASE_ALIAS. from is the state of
 * the program's caller. Returns NULL if there is no memory or no such slot, or if this thread
 * already holds the arena's lock.
 */
void *base_alloc(u64 size, u64 align, u32 fn, enum base_how how, const struct chk_frame *from);

/* The result of base_free. */
enum base_result {
	BASE_NOT_MINE, /* nothing was released: the kernel decides what the address is */
	BASE_DONE,     /* the object was released, or queued for the holder of the lock */
};

/*
 * Releases the object at p if it is live, fn matches its allocation, and its canary is intact.
 * moved: realloc moved the content. force: fn and the canary are not checked.
 */
enum base_result base_free(void *p, u32 fn, bool moved, bool force, const struct chk_frame *from);

/* Returns true and the object's size if p is a live object of this allocator. */
bool base_size(const void *p, u64 *size);
/*
 * Gives the object at p the new size in place. Returns false, and changes nothing, unless p is the
 * slot of a live object (no alias, not of C++'s operators) with an intact canary, and the size fits
 * the slot and fills at least half of it.
 */
bool base_resize(void *p, u64 size, const struct chk_frame *from);

/* Returns the number of live edge objects, as far as this thread can know. */
u32 base_edges(void);

/* Ends the aliases of released objects that were waiting for a batch. */
void base_flush(void);

/*
 * Gives the spans that hold no object back to the kernel, for good; called when memory is short.
 * Returns true if there were any.
 */
bool base_give_back(void);

#endif
