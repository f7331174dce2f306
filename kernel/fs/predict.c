// SPDX-License-Identifier: MIT
/* See predict.h. */
#include "kernel/fs/predict.h"
#include "kernel/kernel.h"

enum { PREDICT_END = 0 };

_Static_assert(PREDICT_NAMES < 0xffff, "an index and 1 fits .next");

/* Hashes of the contexts by which a step is found, the longest context first. */
struct contexts {
	u64 key[PREDICT_CONTEXTS];
};

static u64 mix(u64 a, u64 b)
{
	u64 h = (a ^ (b << 23 | b >> 41)) * 0x9e3779b97f4a7c15UL;

	return h ^ h >> 29;
}

static u64 hash_of(u8 kind, const char *path)
{
	u64 h = 0xcbf29ce484222325UL ^ kind;

	while (*path)
		h = (h ^ (u8)*path++) * 0x100000001b3UL;
	return mix(h, kind);
}

static struct contexts contexts_of(const struct predict_walk *w)
{
	return (struct contexts){
		{mix(1, w->run), mix(mix(2, w->before), w->last), mix(3, w->last)}};
}

/* Returns the key by which the start of the next run is found, outside of a run. */
static u64 start_of(const struct predict_walk *w)
{
	return mix(mix(4, w->run), w->gap);
}

/* Advances the walk by a lookup. */
static void go(struct predict_walk *w, u64 hash)
{
	w->run = mix(w->in_run ? w->run : w->last, hash);
	w->in_run = true;
	w->before = w->last;
	w->last = hash;
}

/* ---- names ------------------------------------------------------------------------------- */

/*
 * Returns the number (index plus 1) of this name, which it adds if it is new; 0: the path is too
 * long. A new name may replace an old one, so a step's .next may then lead to the new one.
 */
static u16 name_number(struct predictor *p, u64 hash, u8 kind, const char *path)
{
	u32 first = hash % (PREDICT_NAMES / PREDICT_WAYS) * PREDICT_WAYS;
	u32 tag = (u32)(hash >> 32) | 1, at = first + p->turn % PREDICT_WAYS;
	u64 len = strlen(path) + 1;

	if (len > PREDICT_PATH)
		return 0;
	for (u32 i = first; i < first + PREDICT_WAYS; i++) {
		const struct predict_name *n = &p->name[i];

		if (n->hash == tag && n->kind == kind && !strcmp(n->path, path))
			return i + 1;
		if (!n->hash) {
			at = i;
			break;
		}
	}
	p->turn++;
	p->name[at].hash = tag;
	p->name[at].kind = kind;
	memcpy(p->name[at].path, path, len);
	return at + 1;
}

/* ---- steps ------------------------------------------------------------------------------- */

static u32 first_step(u64 key)
{
	return key % (PREDICT_STEPS / PREDICT_WAYS) * PREDICT_WAYS;
}

static void learn_step(struct predictor *p, u64 key, u16 next)
{
	struct predict_step *s = &p->step[first_step(key)];
	u32 tag = (u32)(key >> 32), i = 0;

	while (i < PREDICT_WAYS - 1 && s[i].used && s[i].tag != tag)
		i++;
	memmove(s + 1, s, i * sizeof(*s));
	s[0] = (struct predict_step){.tag = tag, .next = next, .used = true};
}

static const struct predict_step *find_step(const struct predictor *p, u64 key)
{
	const struct predict_step *s = &p->step[first_step(key)];

	for (u32 i = 0; i < PREDICT_WAYS && s[i].used; i++)
		if (s[i].tag == (u32)(key >> 32))
			return &s[i];
	return NULL;
}

static void learn(struct predictor *p, const struct predict_walk *w, u16 next)
{
	struct contexts c = contexts_of(w);

	for (u32 i = 0; i < PREDICT_CONTEXTS; i++)
		learn_step(p, c.key[i], next);
}

/* ---- walks ------------------------------------------------------------------------------- */

void predict_ask(struct predictor *p, struct predict_walk *w, u8 kind, const char *path)
{
	u64 hash = hash_of(kind, path);
	u16 number;

	number = p ? name_number(p, hash, kind, path) : 0;
	if (number && w->in_run)
		learn(p, w, number);
	else if (number)
		learn_step(p, start_of(w), number);
	go(w, hash);
}

void predict_end(struct predictor *p, struct predict_walk *w)
{
	if (p && w->in_run)
		learn(p, w, PREDICT_END);
	w->gap = w->in_run ? 1 : w->gap + 1;
	w->in_run = false;
}

void predict_next(const struct predictor *p, const struct predict_walk *w, u32 max, u32 max_vague,
		  bool (*take)(void *arg, u8 kind, const char *path), void *arg)
{
	struct predict_walk ahead = *w;

	for (u32 n = 0; n < max; n++) {
		struct contexts c = contexts_of(&ahead);
		const struct predict_step *s =
			find_step(p, ahead.in_run ? c.key[0] : start_of(&ahead));
		const struct predict_name *name;

		if (!s)
			max = ahead.in_run ? MIN(max, max_vague) : 0;
		for (u32 i = 1; i < PREDICT_CONTEXTS && !s && max; i++)
			s = find_step(p, c.key[i]);
		if (n >= max || !s || s->next == PREDICT_END)
			return;
		name = &p->name[s->next - 1];
		if (!take(arg, name->kind, name->path))
			return;
		go(&ahead, hash_of(name->kind, name->path));
	}
}
