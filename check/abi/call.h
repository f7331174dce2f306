/* SPDX-License-Identifier: MIT */
/*
 * Private system calls of the heap library (check/preload/) to the guest kernel (kernel/check/).
 * Numbers that Linux does not use; ENOSYS unless the sandbox checks. Results are Linux's: >= 0 or
 * -errno.
 *
 * A stack id names a call stack that CHK_CALL_STACK has taken; 0 is an unknown one.
 */
#ifndef CHECK_ABI_CALL_H
#define CHECK_ABI_CALL_H

#include "common/types.h"
#include "check/abi/check.h"

#define CHK_CALL_BASE 0x42560000

enum chk_call {
	CHK_CALL_START,	 /* struct chk_start *: the library is there; once per program */
	CHK_CALL_UNWIND, /* const struct chk_unwind *: how stacks are read; address of its code */
	CHK_CALL_MODULE, /* u64 pc, struct chk_module *: 0; -ENOENT: pc is in no ELF file */
	CHK_CALL_STACK,	 /* const u64 *pc, count: a call stack, innermost first; its id */
	CHK_CALL_ALLOC,	 /* size, align, enum chk_function, stack id: an object; its address */
	/* addr, enum chk_function, stack id, moved (by realloc); 1: the library is to do it */
	CHK_CALL_FREE,
	CHK_CALL_REALLOC, /* addr, size, stack id: the object's content at a new address */
	/* addr: bytes of the live object that begins there; -ESTALE: it is dead; -EINVAL: none does
	 */
	CHK_CALL_SIZE,
	CHK_CALL_BUG,	    /* const struct chk_bug *: the library found one */
	CHK_CALL_BASE_GROW, /* spans: so many more at the end of the base area; the first one's
				number */
	/*
	 * const u64 *slot, count: fresh pages for base slots, chk_slot_pages() for each, one after
	 * another; the first one's address.
	 */
	CHK_CALL_ALIAS,
	CHK_CALL_UNALIAS,     /* const struct chk_dead *, count: these are no more */
	CHK_CALL_OWN_MALLOC,  /* the program defines malloc itself: who calls it is not seen */
	CHK_CALL_BASE_SHRINK, /* a span's number: nobody uses it, and nobody will; once */
	CHK_CALLS,
};

struct chk_start {
	struct check_config config; /* OUT */
	u64 phdr, phnum;	    /* OUT: AT_PHDR, AT_PHNUM, the way to the dynamic section */
	u64 starts;		    /* OUT: programs of this sandbox that began before */
	u64 changes;		    /* IN: address of struct chk_changes, 0: none */
};

#define CHK_ARENAS 16

/*
 * In the library's memory. The first two are written by the kernel, before the program can see
 * what has changed; the others by the library, for the summary.
 */
struct chk_changes {
	u32 threads;	  /* counts up with each new thread, forked ones included */
	u32 forks;	  /* counts up in each child of fork(2) */
	u64 stepped_down; /* sites with objects at a lower level than asked for */
	struct chk_made {
		u64 none, none_bytes;	/* objects made at CHK_LEVEL_NONE */
		u64 alias, alias_bytes; /* at CHK_LEVEL_ALIAS */
	} made[CHK_ARENAS];		/* the sum counts */
};

/*
 * A fault of an instruction in [peek, peek_end) is no bug: execution goes on at peek_fail. The u32
 * at generation changes when what CHK_CALL_MODULE has said is no longer so.
 */
struct chk_unwind {
	u64 peek, peek_end, peek_fail;
	u64 generation;
};

/* An ELF file in memory: a program, a library, the vDSO. OUT. */
struct chk_module {
	u64 start, end; /* addresses of its segments */
	u64 frame_hdr;	/* PT_GNU_EH_FRAME; 0: it has none */
	u64 frame_hdr_size;
	u64 frames; /* .eh_frame, for a file without frame_hdr; 0: that is not known either */
	u64 frames_size;
	u64 tables, tables_end; /* readable without a hole; frame_hdr or frames is in it */
};

/*
 * Base slots: what objects lie in that do not have frames of their own. The library gives them out,
 * and keeps what it knows of them in tables at fixed places of the guarded range, which the kernel
 * reads (and does not trust). A span is cut into slots of one size; slots of at most
 * CHK_PAGED_MAX bytes do not cross a page's end. A slot larger than a span has a run of them. An
 * object either is seen where its slot is (CHK_LEVEL_NONE), or in pages of the alias area, which
 * show the slot's frames, at the same place in its first page.
 */
#define CHK_BASE_AREA	(CHK_GUARDED_BASE + (8UL << 40)) /* spans */
#define CHK_BASE_SIZE	(1UL << 40)
#define CHK_SLOT_TABLE	(CHK_GUARDED_BASE + (9UL << 40))  /* CHK_SPAN_SLOTS chk_slots a span */
#define CHK_SPAN_TABLE	(CHK_GUARDED_BASE + (10UL << 40)) /* a chk_span a span */
#define CHK_ALIAS_TABLE (CHK_GUARDED_BASE + (11UL << 40)) /* u64 a page: its slot; 0: none */
#define CHK_ALIAS_AREA	(CHK_GUARDED_BASE + (12UL << 40))
#define CHK_ALIAS_SIZE	(4UL << 40)

#define CHK_SPAN_SHIFT	16
#define CHK_SPAN_SIZE	(1UL << CHK_SPAN_SHIFT)
#define CHK_SPAN_SLOTS	(CHK_SPAN_SIZE / 16)
#define CHK_SPANS	(CHK_BASE_SIZE / CHK_SPAN_SIZE)
#define CHK_PAGED_MAX	2048  /* bytes of a slot that lies within a page */
#define CHK_PACKED_MAX	32768 /* bytes of a slot that may have an alias */
#define CHK_SLOT_MAX	(256UL << 10)
#define CHK_ALIAS_BATCH 64   /* objects, and pages, whose aliases are made at once */
#define CHK_DEAD_BATCH	512  /* aliases that end at once */
#define CHK_CANARY	0xc9 /* bytes beside an object, in its slot or pages */
#define CHK_CANARY_MAX	512  /* so many behind an object in a slot, at most */
#define CHK_FREED	0xdd /* what an object is filled with that waits for its end */

enum chk_slot_state {
	CHK_SLOT_FREE,
	CHK_SLOT_LIVE,	   /* an object, CHK_LEVEL_NONE */
	CHK_SLOT_PREPARED, /* has an alias, no object yet */
	CHK_SLOT_ALIASED,  /* an object, CHK_LEVEL_ALIAS */
	CHK_SLOT_PENDING,  /* released; CHK_CALL_UNALIAS will follow */
};

struct chk_slot {
	u32 stack; /* of its allocation; FREE: the next free slot of the span, + 1 */
	s32 tid;
	u32 seq;
	u16 slack; /* bytes that the object is smaller than the slot */
	u8 state;  /* enum chk_slot_state */
	u8 fn;	   /* enum chk_function */
};

struct chk_span {
	u32 size;     /* of a slot; 0: no span, or a further one of a run */
	u32 per_page; /* slots in a page; 0: they follow each other without regard to pages */
	u32 slots;    /* in a further span of a run: how many spans before it the run begins */
	u32 free;     /* a free slot, + 1 */
	u32 fresh;    /* slots from here on were never used */
	u16 arena;
	u16 listed;  /* it is in its arena's list */
	u32 next;    /* of that list: a span's number + 1 */
	u32 inverse; /* 2^32 / size, rounded up: the library's, which divides often */
};
_Static_assert(4096 % sizeof(struct chk_slot) == 0 && 4096 % sizeof(struct chk_span) == 0,
	       "no entry of a table crosses a page");

/* Is free_fn the way to release what alloc_fn made? The library and the kernel ask alike. */
static inline bool chk_releases(u32 free_fn, u32 alloc_fn)
{
	switch (alloc_fn) {
	case CHK_FN_NEW:
		return free_fn == CHK_FN_DELETE;
	case CHK_FN_NEW_ARRAY:
		return free_fn == CHK_FN_DELETE_ARRAY;
	default:
		return free_fn == CHK_FN_FREE || free_fn == CHK_FN_REALLOC;
	}
}

/* Pages in which a slot at addr lies. */
static inline u32 chk_slot_pages(u64 addr, u32 size)
{
	return (u32)(((addr & 4095) + size + 4095) / 4096);
}

/* The address of a slot of a span. */
static inline u64 chk_slot_addr(const struct chk_span *s, u64 span, u32 slot)
{
	u64 at = s->per_page ? (u64)(slot / s->per_page) * 4096 + slot % s->per_page * s->size
			     : (u64)slot * s->size;

	return CHK_BASE_AREA + (span << CHK_SPAN_SHIFT) + at;
}

/* An alias that ends. */
struct chk_dead {
	u64 alias; /* address of the object */
	u32 stack; /* of its release */
	s32 tid;
	u32 seq;
	u8 fn;	  /* enum chk_function */
	u8 moved; /* by realloc, to a new address */
	u16 reserved;
};

/* What the library knows of a bug that it found itself. */
struct chk_bug {
	u32 kind;  /* enum check_kind */
	u32 fn;	   /* enum chk_function that was called */
	u32 stack; /* id of the call's */
	u32 reserved;
	u64 addr, size;
};

#endif
