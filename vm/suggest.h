/* SPDX-License-Identifier: MIT */
/* "Did you mean ...?": which of several words is nearest to one that nobody knows. */
#ifndef VM_SUGGEST_H
#define VM_SUGGEST_H

#include "common/types.h"

/*
 * Collects the nearest of the words that suggest_add gets. Zero but for .wrong at the start; .best
 * is the result, or NULL if none is near enough to be meant.
 */
struct suggestion {
	const char *wrong;
	const char *best;
	u32 distance; /* of .best */
};
void suggest_add(struct suggestion *s, const char *word);

#endif
