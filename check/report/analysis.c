// SPDX-License-Identifier: MIT
/* The reporter's side of an analysis: reads the worker's bytes, and finds recursion in stacks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "check/report/analysis.h"

#define FRAMES_MAX  65536
#define MODULES_MAX 1024

struct reader {
	char *p;
	size_t left;
	bool bad;
};

static void get(struct reader *r, void *to, size_t len)
{
	if (r->bad || len > r->left) {
		r->bad = true;
		memset(to, 0, len);
		return;
	}
	memcpy(to, r->p, len);
	r->p += len;
	r->left -= len;
}

static u32 get_u32(struct reader *r)
{
	u32 value;

	get(r, &value, sizeof(value));
	return value;
}

static u64 get_u64(struct reader *r)
{
	u64 value;

	get(r, &value, sizeof(value));
	return value;
}

static const char *get_text(struct reader *r, bool lines)
{
	u32 len = get_u32(r);
	char *text = r->p;

	if (r->bad || len >= r->left || text[len]) {
		r->bad = true;
		return "";
	}
	report_printable(text, len, lines);
	r->p += len + 1;
	r->left -= len + 1;
	return text;
}

static int get_stack(struct reader *r, struct report_stack *s)
{
	u32 count = get_u32(r);

	s->cut = get_u32(r);
	if (r->bad || count > FRAMES_MAX)
		return -EINVAL;
	s->frame = calloc(count + 1, sizeof(*s->frame));
	if (!s->frame)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		struct report_frame *f = &s->frame[i];

		f->pc = get_u64(r);
		f->offset = get_u64(r);
		f->line = get_u32(r);
		f->column = get_u32(r);
		f->flags = get_u32(r) & FRAME_INLINED;
		f->elided = get_u32(r);
		f->source_first = get_u32(r);
		f->function = get_text(r, false);
		f->file = get_text(r, false);
		f->module = get_text(r, false);
		f->source = get_text(r, true);
	}
	s->count = count;
	return r->bad ? -EINVAL : 0;
}

static int get_modules(struct reader *r, struct report_analysis *a)
{
	u32 count = get_u32(r);

	if (r->bad || count > MODULES_MAX)
		return -EINVAL;
	a->module = calloc(count + 1, sizeof(*a->module));
	if (!a->module)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++) {
		a->module[i].path = get_text(r, false);
		a->module[i].build_id = get_text(r, false);
	}
	a->modules = count;
	return r->bad ? -EINVAL : 0;
}

int report_analysis_parse(struct report_analysis *a, char *bytes, size_t len)
{
	struct reader r = {bytes, len, false};
	int ret = 0;

	memset(a, 0, sizeof(*a));
	a->bytes = bytes;
	for (u32 i = 0; i < REPORT_STACKS && !ret; i++)
		ret = get_stack(&r, &a->stack[i]);
	if (!ret) {
		a->insn.known = get_u32(&r);
		a->insn.access = get_u32(&r);
		a->insn.size = get_u32(&r);
		a->insn.rep = get_u32(&r);
		a->insn.start = get_u64(&r);
		a->insn.text = get_text(&r, false);
		a->insn.operand = get_text(&r, false);
		ret = r.bad || a->insn.access > CHECK_ACCESS_EXEC ? -EINVAL : get_modules(&r, a);
	}
	if (ret)
		report_analysis_free(a);
	return ret;
}

void report_analysis_free(struct report_analysis *a)
{
	for (u32 i = 0; i < REPORT_STACKS; i++)
		free(a->stack[i].frame);
	free(a->module);
	free(a->bytes);
	memset(a, 0, sizeof(*a));
	a->insn.text = a->insn.operand = "";
}

/* A cycle of at most PERIOD_MAX frames that repeats at least ROUNDS_MIN times is shown once. */
#define PERIOD_MAX 16
#define ROUNDS_MIN 3

u32 report_collapse(const u64 *pc, u32 count, u32 *index, u32 *elided, u32 most)
{
	u32 shown = 0, i = 0;

	while (i < count && shown < most) {
		u32 period, rounds = 0;

		for (period = 1; period <= PERIOD_MAX && i + period < count; period++) {
			for (rounds = 0; i + (rounds + 2) * period <= count; rounds++)
				if (memcmp(&pc[i + rounds * period], &pc[i + (rounds + 1) * period],
					   period * sizeof(*pc)))
					break;
			if (rounds >= ROUNDS_MIN)
				break;
			rounds = 0;
		}
		if (!rounds)
			period = 1;
		for (u32 k = 0; k < period && shown < most; k++) {
			index[shown] = i + k;
			elided[shown++] = k == period - 1 ? rounds * period : 0;
		}
		i += period + rounds * period;
	}
	return shown;
}
