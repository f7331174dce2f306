/*
 * Private system calls of the heap library (heap/) to the guest kernel (kernel/heap/). Numbers that
 * Linux does not use; ENOSYS unless the sandbox checks. Results are Linux's: >= 0 or -errno.
 *
 * A stack id names a call stack that HEAP_CALL_STACK has taken; 0 is an unknown one.
 */
#ifndef COMMON_HEAP_CALL_H
#define COMMON_HEAP_CALL_H

#include "types.h"
#include "check.h"

#define HEAP_CALL_BASE 0x42560000

enum heap_call {
	HEAP_CALL_START,  /* struct heap_start *: the library is there; once per program */
	HEAP_CALL_UNWIND, /* const struct heap_unwind *: how stacks are read; after START */
	HEAP_CALL_MODULE, /* u64 pc, struct heap_module *: 0; -ENOENT: pc is in no ELF file */
	HEAP_CALL_STACK,   /* const u64 *pc, count: a call stack, innermost first; its id */
	HEAP_CALL_ALLOC,   /* size, align, enum heap_function, stack id: an object; its address */
	HEAP_CALL_FREE,	   /* addr, enum heap_function, stack id */
	HEAP_CALL_REALLOC, /* addr, size, stack id: the object's content at a new address */
	HEAP_CALL_SIZE,	   /* addr: bytes of the live object that begins there; -EINVAL: none does */
	HEAP_CALL_BUG,	   /* const struct heap_bug *: the library found one */
	HEAP_CALLS,
};

/* OUT. */
struct heap_start {
	struct check_config config;
	u64 phdr, phnum; /* AT_PHDR, AT_PHNUM: the way to the program's dynamic section */
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
	u64 tables, tables_end; /* readable without a hole; frame_hdr is in it */
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
