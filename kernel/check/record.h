/* SPDX-License-Identifier: MIT */
/*
 * The records of small objects in the page area: what is, and was, at each address. Pure logic,
 * tested on the host (tests/unit/check_record_test.c).
 *
 * The area is cut into slots of two pages. An object begins in the first page of its slot; its
 * pages, the guard page behind them and what is left to the next slot are its own. 512 slots are a
 * leaf, which no object crosses; a leaf is shared with fork(2)'s child until one of both writes.
 * Leaves all of whose objects are dead are kept, the oldest go first when there are too many
 * (retired): of their objects nothing is known but that they were.
 */
#ifndef KERNEL_CHECK_RECORD_H
#define KERNEL_CHECK_RECORD_H

#include "check/abi/check.h"
#include "common/layout.h"

#define CHK_SLOT_SHIFT 13
#define CHK_SLOT_SIZE  (1UL << CHK_SLOT_SHIFT)
#define CHK_LEAF_SLOTS 512
#define CHK_LEAF_SIZE  (CHK_LEAF_SLOTS * CHK_SLOT_SIZE)
#define CHK_SMALL_MAX  (32 * PAGE_SIZE) /* larger objects are mappings of their own: large.c */

struct chk_record {
	u32 size : 18;
	u32 offset : 13; /* of the first byte from the slot's */
	u32 scratch : 1; /* pages were mapped after its end, to keep the program going */
	u32 state : 2;	 /* enum chk_state; 0: no object begins here */
	u32 alloc_fn : 4, free_fn : 4;
      u32 slots : 6; /* that are its own */
	u32 unused : 16;
	u32 alloc_stack, free_stack;
	s32 alloc_tid, free_tid;
	u32 alloc_seq, free_seq; /* lower halves */
};
_Static_assert(sizeof(struct chk_record) == 32, "a leaf's records fill four frames");

struct chk_leaf;

struct chk_records {
	u64 slots;		  /* of the area */
	struct chk_leaf ***group; /* of leaves; NULL: none yet */
	u64 leaf;  /* first slot of the leaf that is being filled; .slots: none yet */
	u32 used;  /* slots of it that are given out */
	u32 *dead; /* ring of leaves that wait for retirement, oldest first */
	u32 dead_first, dead_count, dead_max;
	u64 retired; /* leaves, ever */
};

/* An area of so many slots, a multiple of CHK_LEAF_SLOTS; dead_max >= 1. 0 or -ENOMEM. */
int records_init(struct chk_records *r, u64 slots, u32 dead_max);
/* A child's, sharing the leaves. 0, or -ENOMEM: then it is empty. */
int records_dup(struct chk_records *to, const struct chk_records *from);
void records_free(struct chk_records *r);

/*
 * A place for a new object of so many slots at a multiple of align slots (a power of two): its
 * record, all 0 but .slots and .state (live), and the slot's number. Addresses are never given
 * again while there are fresh ones, then the longest retired first. NULL: no memory, or no place.
 */
struct chk_record *records_add(struct chk_records *r, u32 slots, u32 align, u64 *slot);

/* Objects of slots[i] slots each, one after another; the first one's record, as records_add's. */
struct chk_record *records_add_run(struct chk_records *r, const u8 *slots, u32 count, u64 *slot);

/* The record of the object that begins in a slot. NULL: none does, or it is retired. */
const struct chk_record *records_at(const struct chk_records *r, u64 slot);
/* The same to be written to. Also NULL when there is no memory for the copy. */
struct chk_record *records_own(struct chk_records *r, u64 slot);
/* The object that owns the slot, *first is where it begins. */
const struct chk_record *records_of(const struct chk_records *r, u64 slot, u64 *first);
/* The slot was given out once, but its records are gone. */
bool records_retired(const struct chk_records *r, u64 slot);
/* The first object in a slot >= from that is live (or any); slot number, or .slots: none. */
u64 records_next(const struct chk_records *r, u64 from, bool live);
/* The last object in a slot < before, at most a leaf away; .slots: none. */
u64 records_prev(const struct chk_records *r, u64 before);

/* A live object died; its record says so already. */
void records_died(struct chk_records *r, u64 slot);
/*
 * After each add and died: the first slot of a leaf whose records are to go, since too many wait;
 * .slots: none. The caller empties its addresses, then its records are gone (records_drop).
 */
u64 records_excess(struct chk_records *r);
void records_drop(struct chk_records *r, u64 slot);

#endif
