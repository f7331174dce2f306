/* SPDX-License-Identifier: MIT */
/*
 * What the files of kernel/check/ that are about objects share. mm.lock is held everywhere unless a
 * line says otherwise.
 *
 * The guarded range has two areas. In the page area lie objects of at most CHK_SMALL_MAX bytes:
 * one special VMA, its page tables are written by range.c, its records kept by record.c. Larger
 * objects are each an anonymous mapping in the large area (large.c), with what mappings have: pages
 * on demand, 2 MiB pages, limits.
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

/* Behind unused addresses of the range: what lies before the first object is its, too. */
#define CHK_PAGE_AREA	   (CHK_GUARDED_BASE + (1UL << 30))
#define CHK_PAGE_AREA_SIZE ((8UL << 40) - (1UL << 30))
#define CHK_LARGE_AREA	   (CHK_GUARDED_BASE + (16UL << 40))
#define CHK_LARGE_AREA_END CHK_GUARDED_END

#define CHK_CANARY_FRONT   64 /* bytes of CHK_CANARY before an object, at most */

#define CHK_SAMPLES	   128
#define CHK_AROUND	   8 /* neighbours in a report */

/* backing.c: what VMAs of the areas show, and those of large objects. Operations of theirs: */
extern struct vm_backing chk_areas, chk_large_objects;
/* fault.c: a page is not there: 0 once it is, -ENOMEM, -EFAULT: it belongs to no live object. */
int chk_populate(struct mm *mm, u64 page);
/* base.c: fork(2), child gets the pages of an area's VMA. 0 or -ENOMEM. */
int chk_copy_vma(struct mm *child, struct mm *mm, const struct vma *v, struct pt_flush *flush);
/*
 * change.c: may the program change how it sees the pages of [start, end), which lie in one VMA, by
 * mprotect(2), mlock(2) and the like? What belongs to live objects may be changed, as that of any
 * malloc(3).
 */
bool chk_may_change(struct mm *mm, u64 start, u64 end);
/*
 * change.c: madvise(2) is about to drop the pages of [start, end). The frames of packed objects are
 * shared, by addresses and by objects: there, what belongs to one object alone is cleared instead,
 * and the result is true. false: the pages can go.
 */
bool chk_discard(struct mm *mm, u64 start, u64 end);

/* An object, whichever area it is in. */
struct chk_object {
	struct check_object o;
	u32 alloc_stack, free_stack;
	u64 slot;		 /* in the page area; CHK_NO_SLOT: a large one */
	struct chk_large *large; /* a large one's */
	u64 low, high;		 /* [low, start) and [end, high) are canaries while it lives */
};
#define CHK_NO_SLOT (-1UL)

struct chk_large {
	RB_ENTRY(chk_large) link;
	u64 start, end; /* pages, without the guard page behind */
	u64 object, size;
	u32 state, alloc_fn, free_fn;
	u32 alloc_stack, free_stack;
	s32 alloc_tid, free_tid;
	u64 alloc_seq, free_seq;
};
RB_HEAD(chk_large_tree, chk_large);

struct chk_heap {
	struct check_config config;
	struct chk_depot *depot;
	struct chk_records records;
	struct chk_records aliases; /* a slot is a page: live while there is an alias */
	u64 spans;		    /* of base slots, given to the library ... */
	u64 spans_back;		    /* ... and so many came back */
	u64 changes;		    /* address of the library's struct chk_changes, 0: none */
	u64 budget;		    /* pages of small objects at page level, at most */
	struct chk_large_tree large;
	u64 large_cursor;
	u64 seq; /* operations so far */
	struct check_summary sum;
	u64 pages; /* frames of live small objects */
	bool exiting;
	bool torn;   /* what other threads were writing in base slots was copied half-way */
	bool forked; /* its first thread has not begun yet */
	struct check_sample sample[CHK_SAMPLES]; /* CHECK_TIMELINE */
	u32 samples;
	u64 sample_every;
};

/* Who does something to the heap. */
struct chk_caller {
	u32 fn;	   /* enum chk_function */
	u32 stack; /* id */
	s32 tid;
};

/* heap.c. The address space gets a heap, unless it has one. 0 or -ENOMEM. */
int chk_begin(struct mm *mm);
/* An operation: its number. Takes a sample now and then. */
u64 chk_operation(struct chk_heap *h);

/*
 * object.c. A new object; its address or -ENOMEM. align: a power of two.
 */
s64 chk_make(struct mm *mm, u64 size, u64 align, const struct chk_caller *by);
/* The live object's end: addresses unmapped, frames freed. state: what it is from now on. */
void chk_unmake(struct mm *mm, const struct chk_object *obj, const struct chk_caller *by,
		enum chk_state state);
/* The object that begins at addr, or that owns it (guard page behind included). */
bool chk_object_at(struct mm *mm, u64 addr, struct chk_object *obj);
bool chk_object_of(struct mm *mm, u64 addr, struct chk_object *obj);
/* First object that ends behind addr; live: a live one. */
bool chk_object_next(struct mm *mm, u64 addr, bool live, struct chk_object *obj);
/* addr is of objects so long dead that nothing is known of them. */
bool chk_object_old(struct mm *mm, u64 addr);
/* Up to CHK_AROUND neighbours by address; how many. */
u32 chk_around(struct mm *mm, const struct chk_object *obj, struct check_object *around);
/* The first byte beside the live object that is not as it was left; 0: all are. */
u64 chk_damage(struct mm *mm, const struct chk_object *obj);
/* Copies len bytes from one live object to another. */
void chk_copy(struct mm *mm, u64 to, u64 from, u64 len);

/*
 * range.c: pages of small objects. A page of live object obj that is not there gets a frame, and
 * some of its neighbours: 0, -ENOMEM, -EFAULT: page is none of its pages.
 */
int range_populate(struct mm *mm, const struct chk_object *obj, u64 page);
/* A page of its own at addr, outside of every object: scratch for a program that goes on. */
int range_scratch(struct mm *mm, u64 addr);
/* The canaries of the object in the page at page, which is at p. */
void range_fill(const struct chk_object *obj, u64 page, u8 *p);

/*
 * fault.c: a report on its way, all its pointers into itself and the depot; and what of it an
 * object or a bad address decides. chk_bug_prepare: false where the heap knows nothing of addr.
 */
struct chk_bug_report {
	struct check_report head;
	struct chk_report_parts parts;
	struct check_object around[CHK_AROUND];
};
void chk_bug_object(struct mm *mm, const struct chk_object *obj, struct chk_bug_report *b);
bool chk_bug_prepare(struct mm *mm, u64 addr, struct chk_bug_report *b);
/* What is at addr, if no object is. */
enum check_where chk_where(struct mm *mm, u64 addr);
/* What a page fault with the CPU's error code was about to do. */
enum check_access chk_access(u64 error);
/*
 * The kernel could not, for the system call under way, read or write (write) the program's memory
 * at addr. Reports it where addr lies in the guarded range; the call fails with EFAULT whatever
 * the user's choices. mm.lock is not held.
 */
void chk_bad_buffer(u64 addr, bool write);

/*
 * base.c: what the library says of base slots and aliases, read from its tables. The object whose
 * slot or alias page has addr; false: none that is or was.
 */
bool base_object_of(struct mm *mm, u64 addr, struct chk_object *obj);
bool base_object_next(struct mm *mm, u64 addr, bool live, struct chk_object *obj);
int base_populate(struct mm *mm, u64 page);
s64 base_grow(struct mm *mm, u64 count);
/* A span comes back; its number is not given out again. 0 or -EINVAL. */
int base_shrink(struct mm *mm, u64 number);
/* slot: addresses of base slots, CHK_ALIAS_BATCH at most. The first alias, -ENOMEM or -EINVAL. */
s64 base_alias(struct mm *mm, const u64 *slot, u32 count);
/* Frames whose aliases are gone from the page tables, but maybe not from what CPUs remember. */
struct chk_gone {
	struct pt_flush flush;
	u32 count;
	u64 frame[CHK_DEAD_BATCH];
};
#define CHK_GONE_INIT                                                                              \
	{                                                                                          \
		.flush = PT_FLUSH_INIT                                                             \
	}
/* Ends aliases; the last call of some is followed by base_gone. */
void base_unalias(struct mm *mm, const struct chk_dead *dead, u32 count, struct chk_gone *gone);
void base_gone(struct mm *mm, struct chk_gone *gone);

/* object.c: where the kernel sees a byte of the program's, up to its page's end; NULL: not there.
 */
u8 *chk_look(struct mm *mm, u64 addr);
/* The same for writing: the page comes into being. */
u8 *chk_touch(struct mm *mm, u64 addr);
void chk_record_object(const struct chk_record *r, u64 slot_addr, struct chk_object *obj);

/* large.c: see object.c's. */
struct chk_large *large_make(struct mm *mm, u64 size, u64 align, s64 *err);
void large_unmake(struct mm *mm, struct chk_large *l);
struct chk_large *large_at_or_before(struct chk_heap *h, u64 addr);
struct chk_large *large_after(struct chk_heap *h, u64 addr); /* begins at or behind addr */
int large_dup(struct chk_heap *to, const struct chk_heap *from);
void large_free(struct chk_heap *h);

#endif
