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
 * The place of an LD_PRELOAD string for the program's loader only, outside of the environment's
 * part of the stack. Pointers to it replace that to the program's first LD_PRELOAD in envp[], if
 * there is one, and fill EXEC_PRELOADS more slots at the end of envp[], before its NULL: of
 * several, some loaders use the first and some the last. User addresses. All 0: no such string.
 */
struct exec_preload {
	u64 string;	/* the string, to which the slots point */
	u64 slot;	/* the slot of the program's first LD_PRELOAD; 0: none */
	u64 slot_value; /* the pointer that was in that slot */
	u64 added;	/* the first of the slots at the end */
};
#define EXEC_PRELOADS 2

struct exec_stack {
	/* IN. argc is at least 1; the chunks have exactly argc + envc strings. */
	const struct exec_chunk *chunk;
	u32 chunks, argc, envc;
	const char *execfn, *platform;
	const char *preload;	     /* the string of struct exec_preload; NULL: none */
	struct exec_preload *inject; /* filled in if preload is not NULL */
	u8 random[16];
	u64 gap; /* below STACK_RANDOM_GAP */
	u64 top; /* page-aligned end of the stack */
	/* Auxiliary vector. exec_stack_write adds AT_RANDOM, AT_EXECFN and AT_PLATFORM. */
	struct exec_aux aux[STACK_AUX_MAX];
	u32 aux_count;

	/* OUT of exec_stack_write. */
	u64 sp, arg_start, arg_end, env_end; /* the environment starts at arg_end */
};

/*
 * Checks the strings against Linux's limits (execve(2), "Limits on size of arguments and
 * environment"). Returns 0 or -E2BIG.
 */
int exec_stack_check(const struct exec_stack *s, u64 rlimit_stack);

/* Returns a number of bytes below .top that is enough for exec_stack_write. */
u64 exec_stack_size(const struct exec_stack *s);

/* Writes the stack into mm, which has these bytes mapped. Returns 0 or -errno. */
int exec_stack_write(struct exec_stack *s, struct mm *mm);

#endif
