// SPDX-License-Identifier: MIT
/* See suggest.h. */
#include <string.h>
#include "vm/suggest.h"

#define WORD_MAX 32

/*
 * The least number of letters that are inserted, removed, replaced or exchanged with their
 * neighbour to make b of a.
 */
static u32 distance(const char *a, u32 a_len, const char *b, u32 b_len)
{
	u32 row[3][WORD_MAX + 1];
	u32 *before = row[0], *last = row[1], *now = row[2];

	for (u32 j = 0; j <= b_len; j++)
		last[j] = j;
	for (u32 i = 1; i <= a_len; i++) {
		u32 *free = before;

		now[0] = i;
		for (u32 j = 1; j <= b_len; j++) {
			u32 replace = last[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] = MIN(MIN(last[j], now[j - 1]) + 1, replace);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = free;
	}
	return last[b_len];
}

void suggest_add(struct suggestion *s, const char *word)
{
	u32 len = (u32)strlen(s->wrong), word_len = (u32)strlen(word), d;

	if (len > WORD_MAX || word_len > WORD_MAX || len < 2)
		return;
	d = distance(s->wrong, len, word, word_len);
	/* A third of the word may be wrong; a short one has space for one slip. */
	if (d > MAX(len, 3u) / 3 || (s->best && d >= s->distance))
		return;
	s->best = word;
	s->distance = d;
}
