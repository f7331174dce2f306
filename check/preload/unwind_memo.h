/* SPDX-License-Identifier: MIT */
/*
 * The way that the last walk up a stack took, so that the next one need not think: programs
 * allocate again and again below the same callers.
 *
 * A step from a frame to its caller's depends on nothing but the frame's pc, RSP and RBP and the
 * words that were read for it. So when a walk comes to a frame that was there last time, and the
 * words that were read from there on are what they were, so is the rest of the way. Looking at
 * these words is fast: no look depends on the one before.
 */
#ifndef HEAP_WAY_H
#define HEAP_WAY_H

#include "check/preload/cfi.h"
#include "check/preload/peek.h"

#define WAY_FRESH 16 /* frames that may be new before what was known comes */

struct way_memory;

/* A walk under way. Belongs to one call of unwind_stack. */
struct way {
	struct way_memory *memory; /* NULL: none, all functions do nothing */
	u32 cursor;		   /* frames of the memory before it are below where the walk is */
	u32 at;			   /* in the memory; WAY_NEW: nothing known was met yet */
	bool linked;		   /* the step at .at is that of the frame where the walk is */
	u32 fresh;		   /* steps in .step, until then */
	struct peek_step step[WAY_FRESH];
};
#define WAY_NEW (~0u)

/* A walk begins on the stack that rsp is in. generation: of what rules are made from. */
void way_begin(struct way *w, u64 rsp, u32 generation);

/*
 * The walk is at a frame: pc (as in struct peek_step) and r. If the way on is known and at most
 * max frames long, writes the return addresses of the frames that it leaves behind to pcs and
 * returns how many; pc and r are those of the last one that was reached, which is not counted.
 */
u32 way_known(struct way *w, u64 *pc, struct cfi_registers *r, u32 max, u64 *pcs);

/*
 * The frame where the walk is was left by its own rule: what was read for it. at[0] == 0: by what
 * is not remembered, or there is no caller.
 */
void way_add(struct way *w, const struct peek_step *step);

/* The walk is over. */
void way_end(struct way *w);

#endif
