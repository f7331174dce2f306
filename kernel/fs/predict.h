/* SPDX-License-Identifier: MIT */
/*
 * Which path lookups a program makes next, from the lookups that programs made before: pure logic,
 * tested on the host (tests/unit/predict_test.c).
 *
 * A lookup is a kind (any byte) and a path. Lookups that follow each other with nothing between
 * them are a run. What comes next is looked for behind three contexts, the longest first: all of
 * the run so far and the last lookup of the run before; the last two lookups; the last one.
 * That a run ended there is learned like a lookup. What a run starts with is looked for behind
 * the run before it and the number of other system calls since.
 *
 * The memory is fixed: what is new takes the place of something older. All of it is a guess, and
 * may be wrong in every way but one: a lookup that comes out was once put in.
 */
#ifndef KERNEL_FS_PREDICT_H
#define KERNEL_FS_PREDICT_H

#include "common/types.h"

#define PREDICT_PATH	 120 /* with its NUL; longer ones are not predicted */
#define PREDICT_NAMES	 2048
#define PREDICT_STEPS	 16384
#define PREDICT_WAYS	 4 /* places for one hash, in both tables */
#define PREDICT_CONTEXTS 3

/* Memory that is all zero has learned nothing. */
struct predictor {
	u32 turn; /* which of the places for a name is taken when all are full */
	struct predict_name {
		u32 hash; /* 0: free */
		u8 kind;
		char path[PREDICT_PATH];
	} name[PREDICT_NAMES];
	struct predict_step {
		u32 tag;  /* of the context */
		u16 next; /* PREDICT_END, or index of a name and 1 */
		bool used;
	} step[PREDICT_STEPS]; /* of a bucket the newest first */
};

/* Where a thread is in its lookups. All zero at the start. */
struct predict_walk {
	u64 run;	  /* the longest context */
	u64 last, before; /* the last two lookups */
	u32 gap;	  /* outside of a run: what else was done since the last one */
	bool in_run;
};

/* The walk goes on with this lookup. p NULL: nothing is learned. */
void predict_ask(struct predictor *p, struct predict_walk *w, u8 kind, const char *path);
/* Something else was done: the run, if there is one, ended before it. */
void predict_end(struct predictor *p, struct predict_walk *w);
/*
 * Gives what may come next, outside of a run only where one starts now, to take(), the soonest
 * first, until it says false, nothing is known any more, or max were given; max_vague where not all
 * of them were found behind their longest context.
 */
void predict_next(const struct predictor *p, const struct predict_walk *w, u32 max, u32 max_vague,
		  bool (*take)(void *arg, u8 kind, const char *path), void *arg);

#endif
