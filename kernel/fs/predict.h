/* SPDX-License-Identifier: MIT */
/*
 * Predicts which path lookups a program makes next, from the lookups that programs made before.
 * Pure logic, tested on the host (tests/unit/predict_test.c).
 *
 * A lookup is a kind (any byte) and a path. Lookups without another system call between them are a
 * run. The predictor searches for the next lookup by three contexts, the longest first: the whole
 * run so far with the last lookup of the run before; the last two lookups; the last one. It learns
 * the end of a run like a lookup. It searches for the first lookup of a run by the run before and
 * the number of other system calls since then.
 *
 * The memory has a fixed size, so new entries replace old ones. A prediction may be wrong; but each
 * predicted lookup is one that a program once made.
 */
#ifndef KERNEL_FS_PREDICT_H
#define KERNEL_FS_PREDICT_H

#include "common/types.h"

#define PREDICT_PATH	 120 /* bytes of a path with its NUL; longer ones are not predicted */
#define PREDICT_NAMES	 2048
#define PREDICT_STEPS	 16384
#define PREDICT_WAYS	 4 /* entries of a bucket, in both tables */
#define PREDICT_CONTEXTS 3

/* A predictor of zeros has learned nothing. */
struct predictor {
	u32 turn; /* which entry of a full bucket the next new name replaces */
	struct predict_name {
		u32 hash; /* 0: free */
		u8 kind;
		char path[PREDICT_PATH];
	} name[PREDICT_NAMES];
	struct predict_step {
		u32 tag;  /* high half of the context's hash */
		u16 next; /* PREDICT_END, or the index of a name plus 1 */
		bool used;
	} step[PREDICT_STEPS]; /* in each bucket, the newest first */
};

/* The state of one thread. Zeros at the start. */
struct predict_walk {
	u64 run;	  /* hash of the longest context */
	u64 last, before; /* hashes of the last two lookups */
	u32 gap;	  /* outside of a run: number of other system calls since the last run */
	bool in_run;
};

/* Records that the thread makes this lookup. p NULL: changes only w and learns nothing. */
void predict_ask(struct predictor *p, struct predict_walk *w, u8 kind, const char *path);
/* Records that the thread made another system call, which ends a run. p NULL: the same. */
void predict_end(struct predictor *p, struct predict_walk *w);
/*
 * Passes the predicted lookups to take(), the next one first. Stops when take() returns false, when
 * nothing is predicted, or after max lookups; after max_vague if the longest context of one of them
 * was not known. Outside of a run, predicts only a run that starts at once.
 */
void predict_next(const struct predictor *p, const struct predict_walk *w, u32 max, u32 max_vague,
		  bool (*take)(void *arg, u8 kind, const char *path), void *arg);

#endif
