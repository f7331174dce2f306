/* SPDX-License-Identifier: MIT */
/*
 * The initial stack of a program (System V ABI, AMD64 supplement, 3.4.1), highest address first:
 *
 *   top      8 zero bytes
 *            path of the program (AT_EXECFN)
 *            environment strings, then below them argument strings
 *            up to 8 KiB of random gap
 *            platform string, 16 random bytes, the heap library's LD_PRELOAD
 *            auxiliary vector, NULL, envp[], NULL, argv[]
 *   sp       argc; 16-byte aligned
 */
#ifndef KERNEL_EXEC_STACK_H
#define KERNEL_EXEC_STACK_H

#include "common/types.h"
#include "kernel/exec/exec.h"

struct mm;

#define STACK_RANDOM_GAP 8192
#define STACK_AUX_MAX	 30	/* pairs, without AT_NULL: struct mm has room for them */
#define STACK_ARG_MAX	 131072 /* Linux's MAX_ARG_STRLEN: bytes of one string with its NUL */

struct exec_aux {
	u64 type, value;
};

/*
 * Where a string went that only the program's loader is to see: outside of the environment's part
 * of the stack. Pointers to it take the place of the program's own LD_PRELOAD in envp[], if it has
 * one, and of EXEC_PRELOADS slots more at the end of envp[], in front of its NULL: loaders differ
 * in whether the first or the last of several counts. All 0: there is none. User addresses.
 */
struct exec_preload {
	u64 string;	/* what the slots point to while it is there */
	u64 slot;	/* of the program's own LD_PRELOAD, 0: none ... */
	u64 slot_value; /* ... and what it was */
	u64 added;	/* of the first of the slots at the end */
};
#define EXEC_PRELOADS 2

struct exec_stack {
	/* IN. argc is at least 1; the strings of chunk are exactly argc + envc. */
	const struct exec_chunk *chunk;
	u32 chunks, argc, envc;
	const char *execfn, *platform;
	const char *preload;	     /* see struct exec_preload; NULL: none */
	struct exec_preload *inject; /* where that string went is noted here */
	u8 random[16];
	u64 gap; /* below STACK_RANDOM_GAP */
	u64 top; /* page-aligned end of the stack */
	/* All of the vector but AT_RANDOM, AT_EXECFN and AT_PLATFORM, whose values are known here.
	 */
	struct exec_aux aux[STACK_AUX_MAX];
	u32 aux_count;

	/* OUT of exec_stack_write. aux is complete then. */
	u64 sp, arg_start, arg_end, env_end; /* the environment starts at arg_end */
};

/* 0, or -E2BIG where Linux says so (execve(2), "Limits on size of arguments and environment"). */
int exec_stack_check(const struct exec_stack *s, u64 rlimit_stack);

/* Bytes below .top that exec_stack_write will use. */
u64 exec_stack_size(const struct exec_stack *s);

/* Writes it all into an address space that is mapped there. 0 or -errno. */
int exec_stack_write(struct exec_stack *s, struct mm *mm);

#endif
