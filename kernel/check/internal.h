/* SPDX-License-Identifier: MIT */
/*
 * What those files of kernel/check/ share that handle objects. mm.lock is held everywhere unless a
 * comment says otherwise.
 *
 * The guarded range has these areas. The page area, one VMA, has the objects of at most
 * CHK_SMALL_MAX bytes; range.c writes its page tables, record.c keeps its records. A larger object
 * is an anonymous mapping in the large area (large.c), and has what mappings have: pages on demand,
 * 2 MiB pages, limits. The base area, its tables and the alias area (check/abi/call.h) have the
 * packed objects (base.c).
 */
#ifndef KERNEL_CHECK_INTERNAL_H
#define KERNEL_CHECK_INTERNAL_H

#include <bsd/sys/tree.h>
#include "check/abi/check.h"
#include "check/abi/call.h"
#include "common/layout.h"
#include "kernel/check/depot.h"
#include "kernel/check/heap.h"
#include "kernel/check/record.h"
#include "kernel/check/report.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"

/* The range begins with unused addresses, so that one below the first object is guarded, too. */
#define CHK_PAGE_AREA	   (CHK_GUARDED_BASE + (1UL << 30))
#define CHK_PAGE_AREA_SIZE ((8UL << 40) - (1UL << 30))
#define CHK_LARGE_AREA	   (CHK_GUARDED_BASE + (16UL << 40))
#define CHK_LARGE_AREA_END CHK_GUARDED_END

#define CHK_CANARY_FRONT   64 /* most bytes of CHK_CANARY before an object */

#define CHK_SAMPLES	   128
#define CHK_AROUND	   8 /* neighbours in a report */

/* backing.c: the backings of the areas' VMAs and of large objects. Their operations follow. */
extern struct vm_backing chk_areas, chk_large_objects;
/*
 * fault.c: maps a page that is absent, and maybe some behind it. Returns 0, -ENOMEM, or -EFAULT if
 * the page belongs to no live object and to no table.
 */
int chk_populate(struct mm *mm, u64 page);
/* base.c: fork(2) gives child the pages of v, a VMA of an area. Returns 0 or -ENOMEM. */
int chk_copy_vma(struct mm *child, struct mm *mm, const struct vma *v, struct pt_flush *flush);
/*
 * change.c: returns whether the program may change the pages of [start, end), which lie in one VMA,
 * by mprotect(2), mlock(2) and the like. It may do so with the pages of live objects, as with those
 * of any malloc(3), and with all base slots that the library has.
 */
bool chk_may_change(struct mm *mm, u64 start, u64 end);
/*
 * change.c: madvise(2) is about to drop the pages of [start, end). Returns false if they can be
 * dropped. Several addresses and objects share a frame of packed objects. There chk_discard clears
 * the pages that belong to one object alone, and returns true: no page must be dropped.
 */
bool chk_discard(struct mm *mm, u64 start, u64 end);

/* An object of any area. */
struct chk_object {
	struct check_object o;
	u32 alloc_stack, free_stack;
	u64 slot;		 /* in the page area; CHK_NO_SLOT: a large or a packed object */
	struct chk_large *large; /* of a large object, else NULL */
	u64 low, high;		 /* [low, start) and [end, high) are canaries while it lives */
};
#define CHK_NO_SLOT (-1UL)

struct chk_large {
	RB_ENTRY(chk_large) link;
	u64 start, end; /* the mapping, without the guard page behind it */
	u64 object, size;
	u32 state, alloc_fn, free_fn, align_code;
	u32 alloc_stack, free_stack;
	s32 alloc_tid, free_tid;
	u64 alloc_seq, free_seq;
};
RB_HEAD(chk_large_tree, chk_large);

struct chk_heap {
	struct check_config config;
	struct chk_depot *depot;
	struct chk_records records;
	struct chk_records aliases; /* a slot is a page; a record is live while the alias exists */
	u64 spans;		    /* of base slots that the library was ever given */
	u64 spans_back;		    /* of these, spans that the library has returned */
	u64 changes;		    /* address of the library's struct chk_changes, 0: none */
	u64 budget;		    /* the most pages of small objects at page level */
	struct chk_large_tree large;
	u64 ended;	  /* the alias leaf that ended last, + 1; 0: none */
	u64 large_cursor; /* where the search for the next large object's address begins */
	u64 seq;	  /* operations so far */
	struct check_summary sum;
	u64 pages;    /* of live small objects, whether a frame is there or not */
	bool exiting; /* the check at exit has begun, or a report ends the process */
	bool torn;    /* a fork may have copied base slots while other threads wrote to them */
	bool forked;  /* copied by fork(2), and the child's first thread has not begun yet */
	/*
	 * A fork left threads behind; the child's first thread had this TID. Objects that are older
	 * may be those of threads that exist only in the parent. 0: no such fork.
	 */
	s32 left_at;
	bool by_signal; /* the check at exit runs, and a signal ends the process */
	struct check_sample sample[CHK_SAMPLES]; /* CHECK_TIMELINE */
	u32 samples;
	u64 sample_every; /* operations between two samples */
};

/* The function, call stack and thread that use the heap. */
struct chk_caller {
	u32 fn;		/* enum chk_function */
	u32 align_code; /* chk_align_code */
	u32 guard;	/* of a new object: CHK_GUARD_*; 0: as configured */
	u32 stack;	/* id */
	s32 tid;
};

/*
 * heap.c: chooses how many leaves of r, one of the heap's records, are kept for reports: a share of
 * the memory that the program has now.
 */
void chk_limit_records(const struct mm *mm, struct chk_records *r);
/* heap.c: creates the address space's heap, unless it has one. Returns 0 or -ENOMEM. */
int chk_begin(struct mm *mm);
/* Counts an operation and returns its number. Takes a sample if one is due. */
u64 chk_operation(struct chk_heap *h);

/*
 * object.c: makes an object in the page area or the large area. Returns its address or -errno.
 * align is a power of two.
 */
s64 chk_make(struct mm *mm, u64 size, u64 align, const struct chk_caller *by);
/*
 * Ends a live object of the page area or the large area: unmaps its addresses and frees its frames.
 * state is its state from then on. Without memory for a copy of a shared record, the object stays.
 */
void chk_unmake(struct mm *mm, const struct chk_object *obj, const struct chk_caller *by,
		enum chk_state state);
/*
 * Finds the object that begins at addr, or the one that owns addr, which includes its guard page.
 */
bool chk_object_at(struct mm *mm, u64 addr, struct chk_object *obj);
bool chk_object_of(struct mm *mm, u64 addr, struct chk_object *obj);
/* Finds the first object (live: the first live one) that ends behind addr. */
bool chk_object_next(struct mm *mm, u64 addr, bool live, struct chk_object *obj);
/* Returns whether the records of the objects at addr are retired. */
bool chk_object_old(struct mm *mm, u64 addr);
/* Finds up to CHK_AROUND neighbours of obj by address. Returns their number. */
u32 chk_around(struct mm *mm, const struct chk_object *obj, struct check_object *around);
/*
 * Returns the address of a canary byte that was overwritten: the first one behind the live object,
 * else the first one before it. Returns 0 if all are intact.
 */
u64 chk_damage(struct mm *mm, const struct chk_object *obj);
/* Copies len bytes from one live object to another, fresh one. */
void chk_copy(struct mm *mm, u64 to, u64 from, u64 len);

/*
 * range.c: gives a frame to an absent page of the live small object obj, and to some absent pages
 * behind it. Returns 0, -ENOMEM, or -EFAULT if page is not a page of obj.
 */
int range_populate(struct mm *mm, const struct chk_object *obj, u64 page);
/*
 * Maps a fresh page at addr, outside of every object, for a program that continues after a bad
 * access there. Returns 0 or -ENOMEM.
 */
int range_scratch(struct mm *mm, u64 addr);
/*
 * Writes those canaries of obj that lie in the page at address page; p is the kernel's view of it.
 */
void range_fill(const struct chk_object *obj, u64 page, u8 *p);

/*
 * fault.c: a report under construction. Its pointers lead into the struct itself and the depot.
 * chk_bug_object fills in what an object decides; chk_bug_prepare, what a bad address decides.
 * chk_bug_prepare returns false if the heap knows nothing of addr.
 */
struct chk_bug_report {
	struct check_report head;
	struct chk_report_parts parts;
	struct check_object around[CHK_AROUND];
};
void chk_bug_object(struct mm *mm, const struct chk_object *obj, struct chk_bug_report *b);
bool chk_bug_prepare(struct mm *mm, u64 addr, struct chk_bug_report *b);
/* Returns what kind of memory addr is in. The caller knows that it is in no object. */
enum check_where chk_where(struct mm *mm, u64 addr);
/* Returns the kind of access that made a page fault with the CPU's error code. */
enum check_access chk_access(u64 error);
/*
 * Reports that the system call under way could not, or should not, read (write: write) the
 * program's memory at addr. Does nothing if addr is outside of the guarded range or in a live
 * object. The call's result does not change. mm.lock is not held.
 */
void chk_bad_buffer(u64 addr, bool write);

/*
 * base.c: objects in base slots and aliases, as the library's tables describe them. Finds the
 * object whose slot or alias page contains addr. Returns false if there is none and was none.
 */
bool base_object_of(struct mm *mm, u64 addr, struct chk_object *obj);
bool base_object_next(struct mm *mm, u64 addr, bool live, struct chk_object *obj);
/* Maps fresh pages at page in the base area or a table. Returns as chk_populate. */
int base_populate(struct mm *mm, u64 page);
/* Adds count spans to the base area. Returns the first one's number or -ENOMEM. */
s64 base_grow(struct mm *mm, u64 count);
/* Frees the frames of a span. Its number is not given out again. Returns 0 or -EINVAL. */
int base_shrink(struct mm *mm, u64 number);
/*
 * Makes aliases of count base slots, at most CHK_ALIAS_BATCH; slot has their addresses. gap: an
 * unmapped page follows each. Returns the address of the first alias page, -ENOMEM or -EINVAL.
 */
s64 base_alias(struct mm *mm, const u64 *slot, u32 count, bool gap);
/*
 * Finds the first released object at *addr or behind it, in a base slot, that the program has
 * overwritten, and the address of the first such byte. Moves *addr behind it. Returns false if
 * there is none. *addr begins as CHK_BASE_AREA.
 */
bool base_next_overwritten(struct mm *mm, u64 *addr, struct chk_object *obj, u64 *damage);
/* Frames whose aliases are gone from the page tables, but maybe not from the CPUs' TLBs. */
struct chk_gone {
	struct pt_flush flush;
	u32 count;
	u64 frame[CHK_DEAD_BATCH];
};
#define CHK_GONE_INIT                                                                              \
	{                                                                                          \
		.flush = PT_FLUSH_INIT                                                             \
	}
/* Ends aliases. After the last of a series of calls the caller calls base_gone. */
void base_unalias(struct mm *mm, const struct chk_dead *dead, u32 count, struct chk_gone *gone);
/* Flushes the TLBs and drops the references to the frames in *gone. */
void base_gone(struct mm *mm, struct chk_gone *gone);

/*
 * object.c: returns the kernel's pointer to a byte of the program's memory, valid up to the end of
 * its page; NULL if the page is absent.
 */
u8 *chk_look(struct mm *mm, u64 addr);
/* The same for writing. Maps an absent page; returns NULL if that fails. */
u8 *chk_touch(struct mm *mm, u64 addr);
/* Fills in *obj from a record; slot_addr is the address of the record's slot. */
void chk_record_object(const struct chk_record *r, u64 slot_addr, struct chk_object *obj);

/*
 * large.c: object.c's operations on large objects. large_make maps the object and inserts its
 * record; it returns NULL with *err set if that fails. large_unmake unmaps it and keeps the record.
 */
struct chk_large *large_make(struct mm *mm, u64 size, u64 align, s64 *err);
void large_unmake(struct mm *mm, struct chk_large *l);
struct chk_large *large_at_or_before(struct chk_heap *h, u64 addr);
struct chk_large *large_after(struct chk_heap *h, u64 addr); /* begins at or behind addr */
/* Copies the records for fork(2). Returns 0 or -ENOMEM; the caller frees *to in both cases. */
int large_dup(struct chk_heap *to, const struct chk_heap *from);
/* Adds the live large objects to the members of *info that are theirs. */
void large_sum(const struct chk_heap *h, struct chk_info *info);
void large_free(struct chk_heap *h);

#endif
