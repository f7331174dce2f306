/* SPDX-License-Identifier: MIT */
/*
 * Private system calls of the heap library (check/preload/) to the guest kernel (kernel/check/).
 * They have numbers that Linux does not use, and fail with ENOSYS unless the sandbox checks. They
 * return >= 0 or -errno, as Linux's calls do.
 *
 * A stack id names a call stack that CHK_CALL_STACK has stored; 0 is an unknown one.
 */
#ifndef CHECK_ABI_CALL_H
#define CHECK_ABI_CALL_H

#include "common/types.h"
#include "check/abi/check.h"

#define CHK_CALL_BASE 0x42560000

/* The arguments of each call, then what it does and returns. */
enum chk_call {
	/* struct chk_start *: the library has started. May be repeated. Returns 0. */
	CHK_CALL_START,
	/*
	 * const struct chk_unwind *: how the library reads stacks. Returns an address in the
	 * program's code.
	 */
	CHK_CALL_UNWIND,
	/*
	 * u64 pc, struct chk_module *: finds the module whose code contains pc. Returns 0; -ENOENT:
	 * the code is in no ELF file; -EFAULT: pc is not code.
	 */
	CHK_CALL_MODULE,
	/* const u64 *pc, count: stores a call stack, innermost first. Returns its id. */
	CHK_CALL_STACK,
	/*
	 * size, align, CHK_FN, stack id, guard (CHK_GUARD_BEFORE or _AFTER; 0: as configured):
	 * makes an object at page level. Returns its
	 * address; -EDQUOT: page level has used its budget of RAM, so the object has to be packed.
	 */
	CHK_CALL_ALLOC,
	/*
	 * addr, CHK_FN, stack id, moved (by realloc), size that the program says the object has, or
	 * CHK_SIZE_UNKNOWN: releases an object, and reports bugs of the release. Returns 0; 1: the
	 * object is packed, and the library releases it.
	 */
	CHK_CALL_FREE,
	/*
	 * addr, size, stack id: moves an object's content to a new object at page level, and
	 * releases the old one. Returns the new address; -EDQUOT as CHK_CALL_ALLOC; -EINVAL: the
	 * object is packed.
	 */
	CHK_CALL_REALLOC,
	/*
	 * addr: returns the size of the live object that begins there; -ESTALE: the object is dead;
	 * -EINVAL: no object begins there.
	 */
	CHK_CALL_SIZE,
	/* const struct chk_bug *: reports a bug that the library found. Returns 0. */
	CHK_CALL_BUG,
	/* count: adds spans to the base area. Returns the number of the first. */
	CHK_CALL_BASE_GROW,
	/*
	 * const u64 *slot, count <= CHK_ALIAS_BATCH, gap: makes aliases of base slots, one behind
	 * the other; each has chk_slot_pages() pages and, if gap is 1, an unmapped one behind them.
	 * Returns the address of the first page.
	 */
	CHK_CALL_ALIAS,
	/* const struct chk_dead *, count <= CHK_DEAD_BATCH: ends aliases. Returns 0. */
	CHK_CALL_UNALIAS,
	/* The program defines malloc itself, and its objects are not checked. Returns 0. */
	CHK_CALL_OWN_MALLOC,
	/* A span's number: frees its frames. The library never uses the span again. Returns 0. */
	CHK_CALL_BASE_SHRINK,
	/* stack id: the running thread is about to create another one there. Returns 0. */
	CHK_CALL_CREATES,
	/* struct chk_info *: what the kernel knows of the heap's size. Returns 0. */
	CHK_CALL_INFO,
	/* struct chk_spent *: adds up what the sandbox's processes spend on guards. Returns 0. */
	CHK_CALL_SPENT,
	CHK_CALLS,
};

/* What the automatic level counts apart, because the costs differ. */
enum chk_cost {
	CHK_COST_OBJECT, /* to make an object at page level */
	CHK_COST_FREE,	 /* to release one */
	CHK_COST_MOVE,	 /* realloc */
	CHK_COST_ALIAS,	 /* to make an alias */
	CHK_COST_END,	 /* to end one */
	CHK_COST_BATCH,	 /* to end one of many together */
	CHK_COSTS,
};

/* IN: of this process, since its last call. OUT: of all processes, since the first began. */
struct chk_spent {
	u64 begun;	      /* OUT: TSC when the first process called CHK_CALL_START */
	u64 spent;	      /* TSC cycles */
	u64 least[CHK_COSTS]; /* the least cost so far of one object; 0: none */
};

struct chk_start {
	struct check_config config; /* OUT */
	u64 phdr, phnum;	    /* OUT: AT_PHDR, AT_PHNUM, which lead to the dynamic section */
	struct chk_spent tree;	    /* OUT */
	u64 musl;	    /* OUT: 1: the program's C library is musl, and its rules apply */
	u64 errno_location; /* OUT: __errno_location of a static program; 0: look for it */
	u64 changes;	    /* IN: address of struct chk_changes, 0: none */
};

/* OUT of CHK_CALL_INFO. Objects at page level, and the library's base slots. */
struct chk_info {
	u64 objects, bytes, pages;	/* of at most a few pages each */
	u64 large, large_bytes, mapped; /* objects with a mapping of their own; bytes mapped */
	u64 span_bytes;			/* of base slots */
};

/* A function, in bits 0 to 3, and in bits 4 to 7 chk_align_code. Fits a u8. */
#define CHK_FN(function, align_code) ((function) | (align_code) << 4)
#define CHK_FN_MASK		     0xfU
_Static_assert(CHK_FUNCTIONS <= CHK_FN_MASK + 1, "a function has four bits");

#define CHK_ARENAS 16

/*
 * In the library's memory. The kernel writes .threads and .forks, when a thread begins and before
 * its first instruction. The library writes the other members, for the summary.
 */
struct chk_changes {
	u32 threads;	  /* incremented for each new thread, also the first one of a child */
	u32 forks;	  /* incremented in each child of fork(2) */
	u64 stepped_down; /* sites with objects at a lower level than asked for */
	struct chk_made {
		u64 none, none_bytes;	/* objects made at CHK_LEVEL_NONE */
		u64 alias, alias_bytes; /* objects made at CHK_LEVEL_ALIAS */
		u64 gone, gone_bytes;	/* objects of both kinds that were released */
	} made[CHK_ARENAS];		/* one per arena; the summary has the sums */
};

/*
 * A fault of an instruction in [peek, peek_end) is not a bug: execution continues at peek_fail. The
 * kernel increments the u32 at generation when earlier answers of CHK_CALL_MODULE are no longer
 * valid.
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
	u64 frames; /* .eh_frame, for a file without frame_hdr; 0: not known */
	u64 frames_size;
	u64 tables, tables_end; /* readable without a hole; frame_hdr or frames is in it */
};

/*
 * Base slots contain the objects that do not have frames of their own. The library allocates them,
 * and describes them in tables at fixed addresses of the guarded range, which the kernel reads and
 * does not trust. A span is cut into slots of one size. Slots of at most CHK_PAGED_MAX bytes do not
 * cross a page's end. A slot larger than a span takes a run of spans. The program sees an object
 * either at its slot (CHK_LEVEL_NONE), or through pages of the alias area that show the slot's
 * frames, at the same offset in its first page.
 */
#define CHK_BASE_AREA	(CHK_GUARDED_BASE + (8UL << 40)) /* spans */
#define CHK_BASE_SIZE	(1UL << 40)
#define CHK_SLOT_TABLE	(CHK_GUARDED_BASE + (9UL << 40))  /* per span CHK_SPAN_SLOTS chk_slots */
#define CHK_SPAN_TABLE	(CHK_GUARDED_BASE + (10UL << 40)) /* per span a chk_span */
#define CHK_ALIAS_TABLE (CHK_GUARDED_BASE + (11UL << 40)) /* per page a u64: its slot; 0: none */
#define CHK_ALIAS_AREA	(CHK_GUARDED_BASE + (12UL << 40))
#define CHK_ALIAS_SIZE	(4UL << 40)

#define CHK_SPAN_SHIFT	16
#define CHK_SPAN_SIZE	(1UL << CHK_SPAN_SHIFT)
#define CHK_SPAN_SLOTS	(CHK_SPAN_SIZE / 16)
#define CHK_SPANS	(CHK_BASE_SIZE / CHK_SPAN_SIZE)
#define CHK_PAGED_MAX	2048  /* most bytes of a slot that lies within a page */
#define CHK_PACKED_MAX	32768 /* most bytes of a slot that may have an alias */
#define CHK_SLOT_MAX	(256UL << 10)
#define CHK_ALIAS_BATCH 64   /* most slots whose aliases are made with one call */
#define CHK_DEAD_BATCH	512  /* most aliases that end with one call */
#define CHK_CANARY	0xc9 /* value of the bytes beside an object, in its slot or pages */
#define CHK_CANARY_MAX	512  /* most canary bytes behind an object in a slot */
#define CHK_FREED	0xdd /* value of the first bytes of an object that was released */
#define CHK_FILL_MAX	4096 /* most bytes of CHK_FREED in a slot without an alias */
#define CHK_EDGE_FRONT	64UL /* most canary bytes before an edge object */

enum chk_slot_state {
	CHK_SLOT_FREE,
	CHK_SLOT_LIVE,	       /* has an object, at CHK_LEVEL_NONE */
	CHK_SLOT_PREPARED,     /* has an alias, but no object yet */
	CHK_SLOT_ALIASED,      /* has an object, at CHK_LEVEL_ALIAS */
	CHK_SLOT_PENDING,      /* released; CHK_CALL_UNALIAS will follow */
	CHK_SLOT_EDGE,	       /* has an object, at CHK_LEVEL_ALIAS, which ends at its page's end */
	CHK_SLOT_EDGE_PENDING, /* as PENDING */
	/*
	 * Released, and its first CHK_FILL_MAX bytes are CHK_FREED, until it is given out again: in
	 * quarantine or in the free list.
	 */
	CHK_SLOT_FILLED,
};

/* Returns whether an edge object may have this size. */
static inline bool chk_fits_edge(u64 size)
{
	return size <= 4096;
}

/* Returns the offset of an edge object in its page. align is that of the configuration. */
static inline u32 chk_edge_offset(u64 size, u32 align)
{
	return (u32)(4096 - ALIGN_UP(MAX(size, 1UL), align));
}

struct chk_slot {
	u32 stack; /* id of the allocation's stack */
	s32 tid;   /* FILLED: the id of the release's stack */
	u32 seq;   /* FREE, FILLED: the next free slot of the span, + 1 */
	u16 slack; /* the slot's size less the object's */
	u8 state;  /* enum chk_slot_state */
	u8 fn;	   /* CHK_FN */
};

struct chk_span {
	u32 size;     /* of a slot; 0: no span, or not the first one of a run */
	u32 per_page; /* slots in a page; 0: slots may cross pages */
	u32 slots; /* number of slots; in a run's further spans: how many spans precede it there */
	u32 free;  /* head of the list of free slots, + 1; 0: empty */
	u32 fresh; /* slots from this number on were never used */
	u16 arena;
	u16 listed;  /* it is in its arena's list, or retired from it for good */
	u32 next;    /* the next span in that list: its number + 1; 0: none */
	u32 inverse; /* 2^32 / size, rounded up; the library multiplies instead of dividing */
};
_Static_assert(4096 % sizeof(struct chk_slot) == 0 && 4096 % sizeof(struct chk_span) == 0,
	       "no entry of a table crosses a page");

/*
 * Returns whether free_fn may release what alloc_fn made. Both are made by CHK_FN. Used by the
 * library and the kernel.
 */
static inline bool chk_releases(u32 free_fn, u32 alloc_fn)
{
	u32 codes = alloc_fn & ~CHK_FN_MASK;

	switch (alloc_fn & CHK_FN_MASK) {
	case CHK_FN_NEW:
		return free_fn == (CHK_FN_DELETE | codes);
	case CHK_FN_NEW_ARRAY:
		return free_fn == (CHK_FN_DELETE_ARRAY | codes);
	default:
		return free_fn == CHK_FN_FREE || free_fn == CHK_FN_REALLOC;
	}
}

/* Returns the number of pages that a slot of size bytes at addr touches. */
static inline u32 chk_slot_pages(u64 addr, u32 size)
{
	return (u32)(((addr & 4095) + size + 4095) / 4096);
}

/* Returns the address of a slot of s, which is the span with number span. */
static inline u64 chk_slot_addr(const struct chk_span *s, u64 span, u32 slot)
{
	u64 at = s->per_page ? (u64)(slot / s->per_page) * 4096 + slot % s->per_page * s->size
			     : (u64)slot * s->size;

	return CHK_BASE_AREA + (span << CHK_SPAN_SHIFT) + at;
}

/* An alias that ends. */
struct chk_dead {
	u64 alias; /* address of the object */
	u32 stack; /* id of the release's stack */
	s32 tid;
	u32 seq;
	u8 fn;	    /* CHK_FN */
	u8 moved;   /* realloc moved the content to a new address */
	u16 filled; /* for the library: the object was filled with CHK_FREED */
};

/* A bug that the library found itself. */
struct chk_bug {
	u32 kind;  /* enum check_kind */
	u32 fn;	   /* enum chk_function that was called */
	u32 stack; /* id of that call's stack */
	u32 reserved;
	u64 addr, size;
};

#endif
