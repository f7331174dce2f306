/* SPDX-License-Identifier: MIT */
/*
 * The unwind memo: the frames that the last walk up a stack went through, so that the next walk
 * need not interpret their rules. Programs allocate again and again below the same callers.
 *
 * A step from a frame to its caller's frame depends on nothing but the frame's pc, RSP and RBP and
 * the words that were read for it. A walk may come to a frame that the last walk went through; if
 * the words that were read from there on are unchanged, the remaining frames are the same too.
 * Comparing these words is fast, because no comparison depends on the one before.
 */
#ifndef CHECK_PRELOAD_UNWIND_MEMO_H
#define CHECK_PRELOAD_UNWIND_MEMO_H

#include "check/preload/cfi.h"
#include "check/preload/peek.h"

#define MEMO_FRESH 16 /* new frames that may come before one that the memo has */

struct unwind_memo;

/* A walk under way. Belongs to one call of unwind_stack. */
struct memo_walk {
	struct unwind_memo *memo; /* NULL: the walk has no memo, all functions do nothing */
	u32 cursor;		  /* frames of the memo before it are below where the walk is */
	u32 at;			  /* in the memo; MEMO_NEW: the walk met no frame of it yet */
	bool linked;		  /* the step at .at is that of the frame where the walk is */
	u32 fresh;		  /* steps in .step, until then */
	struct peek_step step[MEMO_FRESH];
};
#define MEMO_NEW (~0u)

/* A walk begins on the stack that rsp is in. generation: of what rules are made from. */
void unwind_memo_begin(struct memo_walk *w, u64 rsp, u32 generation);

/*
 * The walk is at a frame: pc (as in struct peek_step) and r. If the memo has the frames above it,
 * writes the return addresses of the frames that the walk leaves behind, at most max, to pcs and
 * returns their number; pc and r are those of the last one that was reached, which is not counted.
 */
u32 unwind_memo_known(struct memo_walk *w, u64 *pc, struct cfi_registers *r, u32 max, u64 *pcs);

/*
 * The frame where the walk is was left by its own rule: what was read for it. at[0] == 0: by what
 * is not remembered, or there is no caller.
 */
void unwind_memo_add(struct memo_walk *w, const struct peek_step *step);

/* The walk is over. */
void unwind_memo_end(struct memo_walk *w);

#endif
