/* SPDX-License-Identifier: MIT */
/*
 * The types that the monitor, the guest kernel, the heap library and the reporter of `buffervm
 * check` share.
 *
 *   check/preload/ --private system calls--> kernel/check/ --HC_check_report--> check/report/
 *
 * The library chooses the level of each object, allocates packed ones and captures stacks. The
 * kernel owns the guarded range, the page tables and the records of objects. The reporter, a
 * process beside the monitor, turns a report into text. In this picture each receiver checks what
 * comes from its left.
 */
#ifndef CHECK_ABI_CHECK_H
#define CHECK_ABI_CHECK_H

#include "common/check_config.h"
#include "common/layout.h"
#include "common/types.h"
#include "common/user_regs.h"

/* How an object is guarded. Used by the configuration, the library and the records. */
enum chk_level {
	CHK_LEVEL_AUTO,	 /* configuration only: page for rare allocations, less for frequent ones */
	CHK_LEVEL_PAGE,	 /* has pages of its own, with an unmapped one behind (or before) it */
	CHK_LEVEL_ALIAS, /* packed: shares frames with others, but has page addresses of its own */
	CHK_LEVEL_SAMPLED, /* configuration only: one object in .sample is CHK_LEVEL_PAGE */
	CHK_LEVEL_NONE,	   /* canaries and double-free detection only */
};

enum {
	CHK_GUARD_AFTER = 1 << 0,
	CHK_GUARD_BEFORE = 1 << 1,
};

/* The kind of a bug. check/report/kind.c has their names and explanations. */
enum check_kind {
	CHECK_USE_AFTER_FREE = 1,
	CHECK_USE_AFTER_REALLOC,
	CHECK_DOUBLE_FREE,
	CHECK_INVALID_FREE,    /* .where tells what the pointer points to instead */
	CHECK_MISMATCHED_FREE, /* the functions, their alignments, or the size of a delete */
	CHECK_HEAP_OVERFLOW,
	CHECK_HEAP_UNDERFLOW,
	CHECK_SLACK_OVERWRITTEN, /* an overflow that is found later: at free, realloc or exit */
	CHECK_FREED_OVERWRITTEN, /* a write after free that is found later */
	CHECK_BAD_SIZE,		 /* a size that no object can have, or a bad alignment */
	CHECK_LEAK,		 /* .count lost objects with .object.size bytes in all */
	CHECK_REACHABLE_AT_EXIT, /* the same of objects that are reachable but were not freed */
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

/*
 * The alignment that was given to an operator new or delete, as a number of 4 bits. 0: the operator
 * has no such argument.
 */
#define CHK_ALIGN_CODES 16
static inline u32 chk_align_code(u64 align)
{
	u32 log = 0;

	while (log < 63 && align >> (log + 1))
		log++;
	return log <= 4 ? 1 : MIN(log - 3, CHK_ALIGN_CODES - 1U);
}

/* Returns the alignment of a code that is not 0; 16 stands for less, too, the largest for more. */
static inline u64 chk_code_align(u32 code)
{
	return 1UL << (code + 3);
}

/* The size of a release that tells none. */
#define CHK_SIZE_UNKNOWN (~0UL)

enum chk_state { CHK_STATE_LIVE = 1, CHK_STATE_FREED, CHK_STATE_REALLOCATED };

/* The kind of memory at a bad address that is not the start of an object. */
enum check_where {
	CHECK_WHERE_NONE,
	CHECK_WHERE_STACK,
	CHECK_WHERE_GLOBAL, /* data of a module */
	CHECK_WHERE_CODE,
	CHECK_WHERE_INTERIOR, /* of .object, or beside it */
	CHECK_WHERE_MAPPED,   /* other memory of the program's */
	CHECK_WHERE_UNMAPPED,
	CHECK_WHERE_OLD_HEAP, /* guarded range, an object whose record is retired */
};

/* An object of the program's heap. */
struct check_object {
	u64 start, size;
	u32 state;	       /* enum chk_state; 0: there is none */
	u32 level;	       /* enum chk_level */
	u32 alloc_fn, free_fn; /* enum chk_function */
	s32 alloc_tid, free_tid;
	u64 alloc_seq, free_seq; /* number of the operation of the process's heap; 0: not known */
	u32 align_code;		 /* of the allocation: chk_align_code */
	u32 reserved;
};

/* Threads of a report: of the access, of the object's allocation, of its release. */
#define CHECK_THREADS 3

/*
 * Parts of a report: bytes behind the head, at an offset that is a multiple of 8; length 0: none.
 */
enum check_part {
	CHECK_PART_STACK,  /* memory of the program's stack, from .stack_at upwards */
	CHECK_PART_MAPS,   /* text as in /proc/pid/maps */
	CHECK_PART_ACCESS, /* u64 pcs of the access, innermost first; empty: to be unwound */
	CHECK_PART_ALLOC,  /* u64 return addresses, innermost first */
	CHECK_PART_FREE,
	CHECK_PART_AROUND,  /* struct check_object: neighbours, by address */
	CHECK_PART_SAMPLES, /* struct check_sample, oldest first */
	CHECK_PART_CALLERS, /* struct check_caller, innermost first */
	/* u64 return addresses where the threads of .thread were created, in their order */
	CHECK_PART_CREATED,
	CHECK_PART_CREATED_LAST = CHECK_PART_CREATED + CHECK_THREADS - 1,
	CHECK_PARTS,
};

struct check_sample {
	u64 seq, live_bytes, live_objects;
};

/*
 * Registers in a caller of the instruction at .reg. The kernel guesses the callers, for code
 * without frame tables.
 */
struct check_caller {
	u64 rip, rsp, rbp;
};
#define CHECK_CALLERS_MAX 16

/*
 * Where a report's mappings show libraries that the program has closed, each in a space of its own:
 * above all addresses that a program can have, and canonical in no paging mode.
 */
#define CHECK_GONE_BASE	  0x0100000000000000UL
#define CHECK_GONE_SPACE  (1UL << 40)

/* The argument of HC_check_report: this struct, then the parts. */
struct check_report {
	u32 kind;   /* enum check_kind */
	u32 access; /* enum check_access */
	u32 where;  /* enum check_where */
	u32 flags;  /* CHECK_REPORT_* */
	s32 pid, tid;
	char comm[16];
	u64 addr;		      /* the address that was used */
	u64 size;		      /* bytes of the access; 0: decode the instruction */
	u64 count;		      /* leaks: number of objects with this allocation stack */
	u64 indirect, indirect_bytes; /* those of them that a lost object points to */
	u32 syscall;		      /* number, for CHECK_ACCESS_SYSCALL_* */
	u32 fn; /* enum chk_function in whose call the bug was found; 0: in none */
	u64 reg[USER_REGS];
	u64 opmask[8];		    /* AVX-512's k0 to k7, with CHECK_REPORT_OPMASK */
	u8 insn[16];		    /* bytes at RIP */
	u32 insn_len;		    /* how many of .insn could be read */
	u32 align_code;		    /* of the release, for CHECK_MISMATCHED_FREE: chk_align_code */
	u64 stack_at;		    /* address of the first byte of CHECK_PART_STACK */
	struct check_object object; /* the object of the bug, if it is known */
	struct {
		char name[16]; /* empty: that of the process, or not known */
		s32 creator;   /* TID; 0: not known */
		u32 reserved;
	} thread[CHECK_THREADS];
	struct {
		u32 offset, len; /* from the start of this struct */
	} part[CHECK_PARTS];
};

enum {
	CHECK_REPORT_REGS = 1 << 0,   /* .reg is valid */
	CHECK_REPORT_LAST = 1 << 1,   /* the bug ends the process, unless it is suppressed */
	CHECK_REPORT_OPMASK = 1 << 3, /* .opmask is valid */
	CHECK_REPORT_SIZED = 1 << 2,  /* a mismatched release: .size is what delete was given */
};

#define CHECK_REPORT_MAX  (1UL << 20)	/* bytes of a report with its parts */
#define CHECK_STACK_BYTES (256UL << 10) /* of CHECK_PART_STACK */

/* The result of HC_check_report. */
enum check_verdict {
	CHECK_VERDICT_REPORTED,	  /* a new finding, or the report was malformed */
	CHECK_VERDICT_SUPPRESSED, /* the program continues as if there were no bug */
	CHECK_VERDICT_DUPLICATE,  /* a repetition, which is only counted */
};

/*
 * The argument of HC_check_summary: totals of a process's heap when the process ends.
 */
struct check_summary {
	s32 pid;
	u32 flags; /* CHECK_SUMMARY_* */
	char comm[16];
	u64 objects[CHK_LEVEL_NONE + 1];  /* number of objects made at each level */
	u64 bytes;			  /* sum of the sizes of all objects */
	u64 live, live_bytes, peak_bytes; /* at page level only */
	u64 sites, sites_stepped_down;	  /* call stacks stored; sites that were guarded less */
	u64 budget_hit;			  /* seq at which the budget was spent; 0: never */
	u64 faults, flushes, calls;	  /* bad accesses, TLB flushes, system calls of the heap */
};

enum {
	CHECK_SUMMARY_OWN_MALLOC = 1 << 0, /* the program defines malloc itself */
};

#endif
