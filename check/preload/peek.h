/* SPDX-License-Identifier: MIT */
/*
 * Reads memory that may not be mapped: peek.S, with the kernel's help (CHK_CALL_UNWIND). Unit tests
 * and the fuzzer have a peek_words of their own.
 */
#ifndef CHECK_PRELOAD_PEEK_H
#define CHECK_PRELOAD_PEEK_H

#ifdef __ASSEMBLER__
#define PEEK_STEP_SIZE	64
#define PEEK_STEP_AT	24
#define PEEK_STEP_VALUE 40
#else
#include "common/layout.h"
#include "common/types.h"

/*
 * Reads the word at a into to[0] and the word at b into to[1]. Returns false if either is not
 * readable. The caller has checked both with peek_allowed(): they are user addresses outside the
 * physmap of the ring-3 mode, where a read beyond the end of memory ends the VM.
 */
bool peek_words(u64 a, u64 b, u64 to[2]);

/* A step from a frame to its caller's: the state in the frame, and the words read for the step. */
struct peek_step {
	u64 pc; /* an instruction of the frame: the call, or where it was interrupted */
	u64 rsp, rbp;
	u64 at[2], value[2];
	u64 unused;
};
_Static_assert(sizeof(struct peek_step) == 64 && offsetof(struct peek_step, at) == 24 &&
		       offsetof(struct peek_step, value) == 40,
	       "peek.S has the same numbers");

/* Returns how many steps, from the first on, would read the same words again. */
u32 peek_steps(const struct peek_step *steps, u32 count);

static inline bool peek_allowed(u64 at)
{
	return at < USER_TOP - sizeof(u64) &&
	       at + sizeof(u64) - PHYSMAP_RING3 >= PHYSMAP_SIZE + sizeof(u64);
}

static inline bool peek(u64 at, u64 *value)
{
	u64 words[2];

	if (!peek_allowed(at) || !peek_words(at, at, words))
		return false;
	*value = words[0];
	return true;
}

#endif /* __ASSEMBLER__ */
#endif
