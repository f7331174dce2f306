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

/* The state of a walk. It belongs to one call of unwind_stack. */
struct memo_walk {
	struct unwind_memo *memo; /* NULL: the walk has no memo, all functions do nothing */
	u32 cursor;  /* steps of the memo before this one are below the current frame */
	u32 at;	     /* index in the memo; MEMO_NEW: the walk met no step of it yet */
	bool linked; /* the step at .at is that of the current frame */
	u32 fresh;   /* steps in .step, while .at is MEMO_NEW */
	struct peek_step step[MEMO_FRESH];
};
#define MEMO_NEW (~0u)

/* Begins a walk on the stack that rsp is in. A memo of another generation is emptied. */
void unwind_memo_begin(struct memo_walk *w, u64 rsp, u32 generation);

/*
 * Skips frames that the memo knows. pc (as in struct peek_step) and r are those of the current
 * frame, and become those of the frame that the memo leads to. Writes the addresses of the frames
 * that are left behind, at most max, to pcs, and returns their number. The frame that is reached is
 * not among them.
 */
u32 unwind_memo_known(struct memo_walk *w, u64 *pc, struct cfi_registers *r, u32 max, u64 *pcs);

/*
 * Adds the step by which the walk left the current frame, with the words that were read for it.
 * at[0] is 0 if the words are not known or there is no caller; then no walk skips this step.
 */
void unwind_memo_add(struct memo_walk *w, const struct peek_step *step);

/* Ends the walk, and releases its memo. */
void unwind_memo_end(struct memo_walk *w);

#endif
