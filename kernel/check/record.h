/* SPDX-License-Identifier: MIT */
/*
 * The records of objects in an area of addresses: which object is, or was, at each address. The
 * page area has records of small objects, the alias area records of packed ones. Pure logic,
 * tested on the host (tests/unit/check_record_test.c).
 *
 * An area is cut into slots; in the page area a slot is two pages, in the alias area one page. An
 * object begins in the first page of its slot. It owns its pages, the guard page behind them (page
 * area) and the rest up to the next slot. A leaf is 512 slots, and no object crosses its end.
 * fork(2) shares leaves with the child until one of both writes.
 *
 * A leaf whose objects are all dead is kept for reports. When there are too many such leaves, the
 * oldest is retired: all that remains known is that there were objects at its addresses.
 */
#ifndef KERNEL_CHECK_RECORD_H
#define KERNEL_CHECK_RECORD_H

#include "check/abi/check.h"
#include "common/layout.h"

#define CHK_SLOT_SHIFT 13
#define CHK_SLOT_SIZE  (1UL << CHK_SLOT_SHIFT)
#define CHK_LEAF_SLOTS 512
#define CHK_LEAF_SIZE  (CHK_LEAF_SLOTS * CHK_SLOT_SIZE)
#define CHK_SMALL_MAX  (32 * PAGE_SIZE) /* larger objects have mappings of their own: large.c */

struct chk_record {
	u32 size : 18;
	u32 offset : 13; /* of the object's first byte from the slot's first byte */
	u32 state : 2;	 /* enum chk_state; 0: no object begins here */
	u32 alloc_fn : 4, free_fn : 4;
      u32 slots : 6;	    /* that the object owns */
	u32 align_code : 4; /* chk_align_code of the allocation */
	u32 unused : 12;
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
	u32 used;  /* slots of that leaf that are given out */
	u32 *dead; /* ring of the leaves that wait for retirement, oldest first */
	u32 dead_first, dead_count, dead_max;
	u32 keep;	 /* how many leaves may wait now; the owner changes it, up to dead_max */
	u32 dead_untold; /* the newest leaves in the ring, which records_ended has not returned */
	u64 retired;	 /* how many leaves were ever retired */
};

/*
 * Initializes the records of an area with the given number of slots, a multiple of CHK_LEAF_SLOTS.
 * dead_max, at least 1, limits the leaves that wait for retirement. Returns 0 or -ENOMEM.
 */
int records_init(struct chk_records *r, u64 slots, u32 dead_max);
/* Makes the records of a child, which share the leaves. Returns 0 or -ENOMEM; *to is empty then. */
int records_dup(struct chk_records *to, const struct chk_records *from);
void records_free(struct chk_records *r);

/*
 * Allocates slots for a new object, at a multiple of align (a power of two) from the start of its
 * leaf. Returns its record, which is 0 except .slots and .state (live), and stores the first slot's
 * number in *slot. Returns NULL without memory or free slots. No address is used twice while the
 * area has fresh ones; after that retired leaves are reused by ascending address.
 */
struct chk_record *records_add(struct chk_records *r, u32 slots, u32 align, u64 *slot);

/*
 * Allocates slots for count objects, one behind the other; object i gets slots[i]. Returns the
 * first one's record, as records_add does.
 */
struct chk_record *records_add_run(struct chk_records *r, const u8 *slots, u32 count, u64 *slot);

/* Returns the record of the object that begins in slot; NULL if none does or it is retired. */
const struct chk_record *records_at(const struct chk_records *r, u64 slot);
/*
 * As records_at, but the caller may write to the record. Also returns NULL without memory for a
 * copy of a shared leaf.
 */
struct chk_record *records_own(struct chk_records *r, u64 slot);
/*
 * Returns the record of the object that owns slot, and stores the slot that it begins in in *first.
 * Returns NULL if no object owns slot.
 */
const struct chk_record *records_of(const struct chk_records *r, u64 slot, u64 *first);
/* Returns whether the leaf of slot is retired. */
bool records_retired(const struct chk_records *r, u64 slot);
/*
 * Returns the number of the first slot >= from in which an object (live: a live object) begins, or
 * .slots if there is none.
 */
u64 records_next(const struct chk_records *r, u64 from, bool live);
/*
 * Returns the number of the last slot < before in which an object begins. It is at most
 * CHK_LEAF_SLOTS away; returns .slots if there is none.
 */
u64 records_prev(const struct chk_records *r, u64 before);

/*
 * Counts the death of a live object in its leaf. The object's record says already that it is dead.
 */
void records_died(struct chk_records *r, u64 slot);
/*
 * Called after each records_add and records_died, until it returns .slots. Returns the first slot
 * of a leaf that has got no live object and will get none, each leaf once. The caller may then free
 * what it keeps for the leaf's addresses.
 */
u64 records_ended(struct chk_records *r);
/*
 * Called after each records_add and records_died. If too many leaves wait for retirement, returns
 * the first slot of the oldest and takes it from the ring; else returns .slots. The caller unmaps
 * the leaf's addresses, then calls records_drop.
 */
u64 records_excess(struct chk_records *r);
void records_drop(struct chk_records *r, u64 slot);

#endif
