/* SPDX-License-Identifier: MIT */
/*
 * `buffervm check`: what monitor, guest kernel and heap library say to each other.
 *
 *   check/preload/ --private system calls--> kernel/check/ --HC_check_report--> check/report/
 *
 * The library decides where objects lie and captures stacks; the kernel owns the guarded range,
 * the page tables and the record of each object; the reporter, a process beside the monitor, turns
 * a report into words. Everything that goes right in this picture is checked by who receives it.
 */
#ifndef CHECK_ABI_CHECK_H
#define CHECK_ABI_CHECK_H

#include "common/check_config.h"
#include "common/layout.h"
#include "common/types.h"
#include "common/user_regs.h"

/* How an object is guarded. The dial: common to configuration, library and records. */
enum chk_level {
	CHK_LEVEL_AUTO,	   /* configuration only: start at page, step down where it is hot */
	CHK_LEVEL_PAGE,	   /* pages of its own, an unmapped one behind (or before) it */
	CHK_LEVEL_ALIAS,   /* shares frames with others, has page addresses of its own (packed) */
	CHK_LEVEL_SAMPLED, /* configuration only: one object in .sample is CHK_LEVEL_PAGE */
	CHK_LEVEL_NONE,	   /* canaries and double-free detection only */
};

enum {
	CHK_GUARD_AFTER = 1 << 0,
	CHK_GUARD_BEFORE = 1 << 1,
};

/* What kind of bug. Names and explanations: check/report/kind.c. */
enum check_kind {
	CHECK_USE_AFTER_FREE = 1,
	CHECK_USE_AFTER_REALLOC,
	CHECK_DOUBLE_FREE,
	CHECK_INVALID_FREE, /* .where says what the pointer points to instead */
	CHECK_MISMATCHED_FREE,
	CHECK_HEAP_OVERFLOW,
	CHECK_HEAP_UNDERFLOW,
	CHECK_SLACK_OVERWRITTEN, /* an overflow found after the fact: at free or exit */
	CHECK_FREED_OVERWRITTEN, /* a write after free found after the fact */
	CHECK_BAD_SIZE,		 /* a size that no object can have, or that overflowed */
	CHECK_LEAK,		 /* .count objects, .object.size bytes in all, no pointer left */
	CHECK_REACHABLE_AT_EXIT, /* the same, but something points to them */
	CHECK_NULL_POINTER,
	CHECK_WILD_POINTER,
	CHECK_STACK_OVERFLOW,
	CHECK_KINDS,
};

enum check_access {
	CHECK_ACCESS_NONE,
	CHECK_ACCESS_READ,
	CHECK_ACCESS_WRITE,
	CHECK_ACCESS_EXEC,
	CHECK_ACCESS_SYSCALL_READ,  /* the kernel read the buffer: write(2) and the like */
	CHECK_ACCESS_SYSCALL_WRITE, /* the kernel wrote to it: read(2) and the like */
};

/* Which function made or released an object. */
enum chk_function {
	CHK_FN_NONE,
	CHK_FN_MALLOC,
	CHK_FN_CALLOC,
	CHK_FN_REALLOC,
	CHK_FN_MEMALIGN, /* memalign, posix_memalign, aligned_alloc, valloc, pvalloc */
	CHK_FN_NEW,
	CHK_FN_NEW_ARRAY,
	CHK_FN_FREE,
	CHK_FN_DELETE,
	CHK_FN_DELETE_ARRAY,
	CHK_FUNCTIONS,
};

enum chk_state { CHK_STATE_LIVE = 1, CHK_STATE_FREED, CHK_STATE_REALLOCATED };

/* What a bad address is, when it is no object. */
enum check_where {
	CHECK_WHERE_NONE,
	CHECK_WHERE_STACK,
	CHECK_WHERE_GLOBAL, /* data of a module */
	CHECK_WHERE_CODE,
	CHECK_WHERE_INTERIOR, /* of .object */
	CHECK_WHERE_MAPPED,   /* other memory of the program's */
	CHECK_WHERE_UNMAPPED,
	CHECK_WHERE_OLD_HEAP, /* guarded range, freed so long ago that its record is gone */
};

/* An object of the program's heap. */
struct check_object {
	u64 start, size;
	u32 state;	       /* enum chk_state; 0: there is none */
	u32 level;	       /* enum chk_level */
	u32 alloc_fn, free_fn; /* enum chk_function */
	s32 alloc_tid, free_tid;
	u64 alloc_seq, free_seq; /* the how manieth operation of the process's heap; 0: not known */
};

/* Parts of a report: offset and length of bytes behind the head; length 0: none. */
enum check_part {
	CHECK_PART_STACK,  /* memory of the program's stack, from .stack_at upwards */
	CHECK_PART_MAPS,   /* text as in /proc/pid/maps */
	CHECK_PART_ACCESS, /* u64 pcs, innermost first: where it happened; else .reg and STACK */
	CHECK_PART_ALLOC,  /* u64 return addresses, innermost first */
	CHECK_PART_FREE,
	CHECK_PART_AROUND,  /* struct check_object: neighbours, by address */
	CHECK_PART_SAMPLES, /* struct check_sample, oldest first */
	CHECK_PART_CALLERS, /* struct check_caller, innermost first: see there */
	CHECK_PARTS,
};

struct check_sample {
	u64 seq, live_bytes, live_objects;
};

/*
 * Registers of who called the function at .reg, who called that one, and so on: a guess, for code
 * without frame tables.
 */
struct check_caller {
	u64 rip, rsp, rbp;
};
#define CHECK_CALLERS_MAX 16

/* HC_check_report: this, then the parts. */
struct check_report {
	u32 kind;   /* enum check_kind */
	u32 access; /* enum check_access */
	u32 where;  /* enum check_where */
	u32 flags;  /* CHECK_REPORT_* */
	s32 pid, tid;
	char comm[16];
	u64 addr;    /* that was used */
	u64 size;    /* bytes of the access; 0: decode the instruction */
	u64 count;   /* leaks: objects of this site */
	u32 syscall; /* number, for CHECK_ACCESS_SYSCALL_* */
	u32 fn;	     /* enum chk_function that was called, when the heap found it */
	u64 reg[USER_REGS];
	u8 insn[16];  /* bytes at RIP ... */
	u32 insn_len; /* ... as many as could be read */
	u32 reserved;
	u64 stack_at;		    /* address of the first byte of CHECK_PART_STACK */
	struct check_object object; /* the one concerned, when known */
	struct {
		u32 offset, len; /* from the start of this struct */
	} part[CHECK_PARTS];
};

enum {
	CHECK_REPORT_REGS = 1 << 0, /* .reg is valid */
	CHECK_REPORT_LAST = 1 << 1, /* the process ends for it */
};

#define CHECK_REPORT_MAX  (1UL << 20)	/* bytes of a report with its parts */
#define CHECK_STACK_BYTES (256UL << 10) /* of CHECK_PART_STACK */

/* HC_check_report's result: what the user's choices say about this one. */
enum check_verdict {
	CHECK_VERDICT_REPORTED,
	CHECK_VERDICT_SUPPRESSED, /* goes on as if nothing was */
	CHECK_VERDICT_DUPLICATE,  /* counted; goes on under keep-going */
};

/*
 * Totals of a process's heap when it ends, for the summary: HC_check_summary.
 */
struct check_summary {
	s32 pid;
	u32 flags; /* CHECK_SUMMARY_* */
	char comm[16];
	u64 objects[CHK_LEVEL_NONE + 1]; /* made at each level */
	u64 bytes;			 /* asked for, in all */
	u64 live, live_bytes, peak_bytes;
	u64 sites, sites_stepped_down; /* allocation sites seen; guarded less than asked for */
	u64 budget_hit;		       /* seq at which the budget was spent; 0: never */
	u64 faults, flushes, calls;    /* page faults in the guarded range, TLB flushes, calls */
};

enum {
	CHECK_SUMMARY_OWN_MALLOC = 1 << 0, /* the program defines malloc itself */
};

#endif
