// SPDX-License-Identifier: MIT
/*
 * See unwind_memo.h. The memo of a stack is an array of steps, innermost first: the reads of each
 * step lead to the state of the next. A walk first goes through new frames and keeps them in its
 * own array. If the walk comes to a frame of the memo, the new frames are put in front of that one.
 *
 * A few memos serve all stacks of the program. A walk has a memo to itself, or none: it does
 * without one while another thread, or the code that a signal handler interrupted, uses the memo.
 */
#include "check/preload/unwind_memo.h"

#define MEMOS	    32u
#define STEPS	    192u
#define FIRST	    64u /* where the steps of a walk that met no frame are put, with space around */
#define STACK_SHIFT 21	/* log2 of the bytes of a stack that have one memo */

struct unwind_memo {
	u32 busy;
	u32 generation;
	u32 start, end; /* the steps in use; the words read for the last one lead to no step */
	struct peek_step step[STEPS];
};

static struct unwind_memo memos[MEMOS];

void unwind_memo_begin(struct memo_walk *w, u64 rsp, u32 generation)
{
	u32 hash = (u32)(rsp >> STACK_SHIFT) * 0x9e3779b1u;
	struct unwind_memo *m = &memos[hash >> 27];

	_Static_assert(MEMOS == 1u << (32 - 27), "the hash's upper bits");
	w->memo = NULL;
	if (__atomic_exchange_n(&m->busy, 1, __ATOMIC_ACQUIRE))
		return;
	if (m->generation != generation) {
		m->generation = generation;
		m->start = m->end = 0;
	}
	w->memo = m;
	w->cursor = m->start;
	w->at = MEMO_NEW;
	w->linked = false;
	w->fresh = 0;
}

static bool is_at(const struct peek_step *s, u64 pc, const struct cfi_registers *r)
{
	return s->rsp == r->rsp && s->pc == pc && s->rbp == r->rbp;
}

/* Moves the steps from index from on to FIRST; those that do not fit are dropped. */
static void make_space(struct unwind_memo *m, u32 from)
{
	u32 count = MIN(m->end - from, STEPS - FIRST);

	__builtin_memmove(&m->step[FIRST], &m->step[from], count * sizeof(*m->step));
	m->end = FIRST + count;
}

/*
 * Puts the new steps in front of the step at .cursor, which the walk has met. If it has met none,
 * the new steps become the whole memo.
 */
static void settle(struct memo_walk *w, bool met)
{
	struct unwind_memo *m = w->memo;

	if (!met) {
		w->cursor = FIRST + w->fresh;
		m->end = w->cursor;
	} else if (w->cursor < w->fresh) {
		make_space(m, w->cursor);
		w->cursor = FIRST;
	}
	m->start = w->cursor - w->fresh;
	__builtin_memcpy(&m->step[m->start], w->step, w->fresh * sizeof(*w->step));
	w->at = w->cursor;
}

u32 unwind_memo_known(struct memo_walk *w, u64 *pc, struct cfi_registers *r, u32 max, u64 *pcs)
{
	struct unwind_memo *m = w->memo;
	const struct peek_step *s;
	u32 count;

	if (!m)
		return 0;
	if (w->at == MEMO_NEW) {
		while (w->cursor < m->end && m->step[w->cursor].rsp < r->rsp)
			w->cursor++;
		if (w->cursor == m->end || !is_at(&m->step[w->cursor], *pc, r))
			return 0;
		settle(w, true);
	}
	if (w->at >= m->end || !is_at(&m->step[w->at], *pc, r))
		return 0;
	s = &m->step[w->at];
	count = peek_steps(s, MIN(max, m->end - 1 - w->at));
	for (u32 i = 0; i < count; i++)
		pcs[i] = s[i].pc + 1;
	w->at += count;
	w->linked = true;
	*pc = s[count].pc;
	*r = (struct cfi_registers){s[count].pc + 1, s[count].rsp, s[count].rbp};
	return count;
}

void unwind_memo_add(struct memo_walk *w, const struct peek_step *step)
{
	static const u64 never;
	struct unwind_memo *m = w->memo;
	struct peek_step *to;

	if (!m)
		return;
	if (w->at == MEMO_NEW && w->fresh < MEMO_FRESH) {
		to = &w->step[w->fresh++];
	} else {
		if (w->at == MEMO_NEW)
			settle(w, false);
		if (w->at == STEPS)
			return;
		to = &m->step[w->at++];
		m->end = MAX(m->end, w->at);
		w->linked = false;
	}
	*to = *step;
	if (!step->at[0]) {
		to->at[0] = to->at[1] = (u64)&never;
		to->value[0] = ~never;
	}
}

void unwind_memo_end(struct memo_walk *w)
{
	struct unwind_memo *m = w->memo;

	if (!m)
		return;
	if (w->at == MEMO_NEW)
		settle(w, false);
	/* The last step leads to another frame than the next one in the memo. */
	if (!w->linked)
		m->end = MIN(m->end, w->at);
	__atomic_store_n(&m->busy, 0, __ATOMIC_RELEASE);
}
