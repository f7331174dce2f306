/* SPDX-License-Identifier: MIT */
/*
 * Private system calls of the heap library (check/preload/) to the guest kernel (kernel/check/).
 * Numbers that Linux does not use; ENOSYS unless the sandbox checks. Results are Linux's: >= 0 or
 * -errno.
 *
 * A stack id names a call stack that HEAP_CALL_STACK has taken; 0 is an unknown one.
 */
#ifndef CHECK_ABI_HEAP_CALL_H
#define CHECK_ABI_HEAP_CALL_H

#include "common/types.h"
#include "check/abi/check.h"

#define HEAP_CALL_BASE 0x42560000

enum heap_call {
	HEAP_CALL_START,  /* struct heap_start *: the library is there; once per program */
	HEAP_CALL_UNWIND, /* const struct heap_unwind *: how stacks are read; address of its code */
	HEAP_CALL_MODULE, /* u64 pc, struct heap_module *: 0; -ENOENT: pc is in no ELF file */
	HEAP_CALL_STACK,  /* const u64 *pc, count: a call stack, innermost first; its id */
	HEAP_CALL_ALLOC,  /* size, align, enum heap_function, stack id: an object; its address */
	/* addr, enum heap_function, stack id, moved (by realloc); 1: the library is to do it */
	HEAP_CALL_FREE,
	HEAP_CALL_REALLOC, /* addr, size, stack id: the object's content at a new address */
	/* addr: bytes of the live object that begins there; -ESTALE: it is dead; -EINVAL: none does
	 */
	HEAP_CALL_SIZE,
	HEAP_CALL_BUG,	     /* const struct heap_bug *: the library found one */
	HEAP_CALL_BASE_GROW, /* spans: so many more at the end of the base area; the first one's
				number */
	/*
	 * const u64 *slot, count: fresh pages for base slots, heap_slot_pages() for each, one after
	 * another; the first one's address.
	 */
	HEAP_CALL_ALIAS,
	HEAP_CALL_UNALIAS,     /* const struct heap_dead *, count: these are no more */
	HEAP_CALL_OWN_MALLOC,  /* the program defines malloc itself: who calls it is not seen */
	HEAP_CALL_BASE_SHRINK, /* a span's number: nobody uses it, and nobody will; once */
	HEAP_CALLS,
};

struct heap_start {
	struct check_config config; /* OUT */
	u64 phdr, phnum;	    /* OUT: AT_PHDR, AT_PHNUM, the way to the dynamic section */
	u64 starts;		    /* OUT: programs of this sandbox that began before */
	u64 changes;		    /* IN: address of struct heap_changes, 0: none */
};

#define HEAP_ARENAS 16

/*
 * In the library's memory. The first two are written by the kernel, before the program can see
 * what has changed; the others by the library, for the summary.
 */
struct heap_changes {
	u32 threads;	  /* counts up with each new thread, forked ones included */
	u32 forks;	  /* counts up in each child of fork(2) */
	u64 stepped_down; /* sites with objects at a lower level than asked for */
	struct heap_made {
		u64 none, none_bytes;	/* objects made at HEAP_LEVEL_NONE */
		u64 alias, alias_bytes; /* at HEAP_LEVEL_ALIAS */
	} made[HEAP_ARENAS];		/* the sum counts */
};

/*
 * A fault of an instruction in [peek, peek_end) is no bug: execution goes on at peek_fail. The u32
 * at generation changes when what HEAP_CALL_MODULE has said is no longer so.
 */
struct heap_unwind {
	u64 peek, peek_end, peek_fail;
	u64 generation;
};

/* An ELF file in memory: a program, a library, the vDSO. OUT. */
struct heap_module {
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
 * HEAP_PAGED_MAX bytes do not cross a page's end. A slot larger than a span has a run of them. An
 * object either is seen where its slot is (HEAP_LEVEL_NONE), or in pages of the alias area, which
 * show the slot's frames, at the same place in its first page.
 */
#define HEAP_BASE_AREA	 (HEAP_GUARDED_BASE + (8UL << 40)) /* spans */
#define HEAP_BASE_SIZE	 (1UL << 40)
#define HEAP_SLOT_TABLE	 (HEAP_GUARDED_BASE + (9UL << 40))  /* HEAP_SPAN_SLOTS heap_slots a span */
#define HEAP_SPAN_TABLE	 (HEAP_GUARDED_BASE + (10UL << 40)) /* a heap_span a span */
#define HEAP_ALIAS_TABLE (HEAP_GUARDED_BASE + (11UL << 40)) /* u64 a page: its slot; 0: none */
#define HEAP_ALIAS_AREA	 (HEAP_GUARDED_BASE + (12UL << 40))
#define HEAP_ALIAS_SIZE	 (4UL << 40)

#define HEAP_SPAN_SHIFT	 16
#define HEAP_SPAN_SIZE	 (1UL << HEAP_SPAN_SHIFT)
#define HEAP_SPAN_SLOTS	 (HEAP_SPAN_SIZE / 16)
#define HEAP_SPANS	 (HEAP_BASE_SIZE / HEAP_SPAN_SIZE)
#define HEAP_PAGED_MAX	 2048  /* bytes of a slot that lies within a page */
#define HEAP_PACKED_MAX	 32768 /* bytes of a slot that may have an alias */
#define HEAP_SLOT_MAX	 (256UL << 10)
#define HEAP_ALIAS_BATCH 64   /* objects, and pages, whose aliases are made at once */
#define HEAP_DEAD_BATCH	 512  /* aliases that end at once */
#define HEAP_CANARY	 0xc9 /* bytes beside an object, in its slot or pages */
#define HEAP_CANARY_MAX	 512  /* so many behind an object in a slot, at most */
#define HEAP_FREED	 0xdd /* what an object is filled with that waits for its end */

enum heap_slot_state {
	HEAP_SLOT_FREE,
	HEAP_SLOT_LIVE,	    /* an object, HEAP_LEVEL_NONE */
	HEAP_SLOT_PREPARED, /* has an alias, no object yet */
	HEAP_SLOT_ALIASED,  /* an object, HEAP_LEVEL_ALIAS */
	HEAP_SLOT_PENDING,  /* released; HEAP_CALL_UNALIAS will follow */
};

struct heap_slot {
	u32 stack; /* of its allocation; FREE: the next free slot of the span, + 1 */
	s32 tid;
	u32 seq;
	u16 slack; /* bytes that the object is smaller than the slot */
	u8 state;  /* enum heap_slot_state */
	u8 fn;	   /* enum heap_function */
};

struct heap_span {
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
_Static_assert(4096 % sizeof(struct heap_slot) == 0 && 4096 % sizeof(struct heap_span) == 0,
	       "no entry of a table crosses a page");

/* Is free_fn the way to release what alloc_fn made? The library and the kernel ask alike. */
static inline bool heap_releases(u32 free_fn, u32 alloc_fn)
{
	switch (alloc_fn) {
	case HEAP_FN_NEW:
		return free_fn == HEAP_FN_DELETE;
	case HEAP_FN_NEW_ARRAY:
		return free_fn == HEAP_FN_DELETE_ARRAY;
	default:
		return free_fn == HEAP_FN_FREE || free_fn == HEAP_FN_REALLOC;
	}
}

/* Pages in which a slot at addr lies. */
static inline u32 heap_slot_pages(u64 addr, u32 size)
{
	return (u32)(((addr & 4095) + size + 4095) / 4096);
}

/* The address of a slot of a span. */
static inline u64 heap_slot_addr(const struct heap_span *s, u64 span, u32 slot)
{
	u64 at = s->per_page ? (u64)(slot / s->per_page) * 4096 + slot % s->per_page * s->size
			     : (u64)slot * s->size;

	return HEAP_BASE_AREA + (span << HEAP_SPAN_SHIFT) + at;
}

/* An alias that ends. */
struct heap_dead {
	u64 alias; /* address of the object */
	u32 stack; /* of its release */
	s32 tid;
	u32 seq;
	u8 fn;	  /* enum heap_function */
	u8 moved; /* by realloc, to a new address */
	u16 reserved;
};

/* What the library knows of a bug that it found itself. */
struct heap_bug {
	u32 kind;  /* enum check_kind */
	u32 fn;	   /* enum heap_function that was called */
	u32 stack; /* id of the call's */
	u32 reserved;
	u64 addr, size;
};

#endif
