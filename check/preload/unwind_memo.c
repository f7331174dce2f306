// SPDX-License-Identifier: MIT
/*
 * See way.h. The memory of a stack is an array of steps, innermost first: each one's reads lead to
 * the state of the next. A walk first goes through new frames, which it keeps to itself, then, if
 * it comes to one that is in the array, they are put in front of that one.
 *
 * A few memories serve all stacks of the program. A walk has one to itself, or none: a memory that
 * another thread has, or what a signal handler interrupted, is left alone.
 */
#include "check/preload/unwind_memo.h"

#define MEMORIES    32u
#define STEPS	    192u
#define FIRST	    64u /* where a way is put that has nothing known: room before and behind */
#define STACK_SHIFT 21	/* a memory is for so much of a stack */

struct way_memory {
	u32 busy;
	u32 generation;
	u32 start, end; /* steps in use; the last one's reads are of no step */
	struct peek_step step[STEPS];
};

static struct way_memory memories[MEMORIES];

void way_begin(struct way *w, u64 rsp, u32 generation)
{
	u32 hash = (u32)(rsp >> STACK_SHIFT) * 0x9e3779b1u;
	struct way_memory *m = &memories[hash >> 27];

	_Static_assert(MEMORIES == 1u << (32 - 27), "the hash's upper bits");
	w->memory = NULL;
	if (__atomic_exchange_n(&m->busy, 1, __ATOMIC_ACQUIRE))
		return;
	if (m->generation != generation) {
		m->generation = generation;
		m->start = m->end = 0;
	}
	w->memory = m;
	w->cursor = m->start;
	w->at = WAY_NEW;
	w->linked = false;
	w->fresh = 0;
}

static bool is_at(const struct peek_step *s, u64 pc, const struct cfi_registers *r)
{
	return s->rsp == r->rsp && s->pc == pc && s->rbp == r->rbp;
}

/* The steps from here on move to FIRST. */
static void make_room(struct way_memory *m, u32 from)
{
	u32 count = MIN(m->end - from, STEPS - FIRST);

	__builtin_memmove(&m->step[FIRST], &m->step[from], count * sizeof(*m->step));
	m->end = FIRST + count;
}

/* The new steps are put in front of the one at .cursor, or (all new) make the memory's start. */
static void settle(struct way *w, bool met)
{
	struct way_memory *m = w->memory;

	if (!met) {
		w->cursor = FIRST + w->fresh;
		m->end = w->cursor;
	} else if (w->cursor < w->fresh) {
		make_room(m, w->cursor);
		w->cursor = FIRST;
	}
	m->start = w->cursor - w->fresh;
	__builtin_memcpy(&m->step[m->start], w->step, w->fresh * sizeof(*w->step));
	w->at = w->cursor;
}

u32 way_known(struct way *w, u64 *pc, struct cfi_registers *r, u32 max, u64 *pcs)
{
	struct way_memory *m = w->memory;
	const struct peek_step *s;
	u32 count;

	if (!m)
		return 0;
	if (w->at == WAY_NEW) {
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

void way_add(struct way *w, const struct peek_step *step)
{
	static const u64 never;
	struct way_memory *m = w->memory;
	struct peek_step *to;

	if (!m)
		return;
	if (w->at == WAY_NEW && w->fresh < WAY_FRESH) {
		to = &w->step[w->fresh++];
	} else {
		if (w->at == WAY_NEW)
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

void way_end(struct way *w)
{
	struct way_memory *m = w->memory;

	if (!m)
		return;
	if (w->at == WAY_NEW)
		settle(w, false);
	/* The step before leads to another frame than the one that is there. */
	if (!w->linked)
		m->end = MIN(m->end, w->at);
	__atomic_store_n(&m->busy, 0, __ATOMIC_RELEASE);
}
