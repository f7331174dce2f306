// SPDX-License-Identifier: MIT
/*
 * See mark.h. Objects are numbered by address and stored in chunks of 65536. A bisection finds the
 * object of an address; a word that lies outside of all objects' addresses costs one comparison.
 */
#include "kernel/kernel.h"
#include "kernel/check/mark.h"
#include "kernel/mm/kmalloc.h"

#define CHUNK	   65536u
#define CHUNKS_MAX 4096u /* 2^28 objects */

int marks_init(struct marks *m, const void *(*memory)(void *context, u64 va, u64 *len),
	       void *context)
{
	*m = (struct marks){.memory = memory, .context = context, .leader = MARK_REACHABLE};
	m->chunk = kzalloc(CHUNKS_MAX * sizeof(*m->chunk));
	return m->chunk ? 0 : -ENOMEM;
}

void marks_free(struct marks *m)
{
	for (u32 i = 0; m->chunk && i < CHUNKS_MAX; i++)
		kfree(m->chunk[i]);
	kfree(m->chunk);
	m->chunk = NULL;
}

/* Returns how many addresses lead to an object: its size, but 1 for an empty one. */
static u64 reach(const struct mark_object *o)
{
	return MAX(o->size, 1);
}

int marks_add(struct marks *m, u64 start, u64 size, u32 stack)
{
	u32 n = m->count;

	if (n && start < m->low + m->span)
		return -EINVAL;
	if (n / CHUNK == CHUNKS_MAX)
		return -ENOMEM;
	if (!m->chunk[n / CHUNK])
		m->chunk[n / CHUNK] = kmalloc(CHUNK * sizeof(struct mark_object));
	if (!m->chunk[n / CHUNK])
		return -ENOMEM;
	*marks_object(m, n) = (struct mark_object){.start = start, .size = size, .stack = stack};
	if (!n)
		m->low = start;
	m->span = start + MAX(size, 1) - m->low;
	m->count = n + 1;
	return 0;
}

/* Returns the number of the object that contains addr, or .count if none does. */
static u32 find(struct marks *m, u64 addr)
{
	u32 low = 0, high = m->count;

	/* Consecutive words often point into the same object. */
	if (addr - marks_object(m, m->last)->start < reach(marks_object(m, m->last)))
		return m->last;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (marks_object(m, middle)->start <= addr)
			low = middle;
		else
			high = middle;
	}
	if (addr - marks_object(m, low)->start >= reach(marks_object(m, low)))
		return m->count;
	m->last = low;
	return low;
}

static void found(struct marks *m, u32 n)
{
	struct mark_object *o = marks_object(m, n);

	if (o->leader == MARK_NONE) {
		o->leader = m->leader;
		o->next = m->todo;
		m->todo = n + 1;
	} else if (o->leader == MARK_LOST + n && m->leader >= MARK_LOST) {
		/*
		 * The object was its own leader; the current leader takes it over with its objects.
		 */
		o->leader = m->leader;
	}
}

static inline void look_at(struct marks *m, u64 word)
{
	u32 n;

	if (word - m->low >= m->span)
		return;
	n = find(m, word);
	if (n < m->count)
		found(m, n);
}

static void scan(struct marks *m, u64 start, u64 end)
{
	u64 len;

	start = ALIGN_UP(start, sizeof(u64));
	end = ALIGN_DOWN(end, sizeof(u64));
	for (u64 va = start; va < end; va += len) {
		const u64 *words;

		len = end - va;
		words = m->memory(m->context, va, &len);
		for (u64 i = 0; words && i < len / sizeof(u64); i++)
			look_at(m, words[i]);
	}
}

/* Scans the objects that were found, and all that they lead to. */
static void follow(struct marks *m)
{
	while (m->todo) {
		const struct mark_object *o = marks_object(m, m->todo - 1);

		m->todo = o->next;
		scan(m, o->start, o->start + o->size);
	}
}

void marks_word(struct marks *m, u64 word)
{
	look_at(m, word);
	follow(m);
}

void marks_root(struct marks *m, u64 start, u64 end)
{
	scan(m, start, end);
	follow(m);
}

/* Returns the last leader of lost object n, which is its own leader. Shortens the chain to it. */
static u32 leader_of(struct marks *m, u32 n)
{
	u32 leader = n;

	while (marks_object(m, leader)->leader != MARK_LOST + leader)
		leader = marks_object(m, leader)->leader - MARK_LOST;
	while (n != leader) {
		u32 next = marks_object(m, n)->leader - MARK_LOST;

		marks_object(m, n)->leader = MARK_LOST + leader;
		n = next;
	}
	return leader;
}

void marks_sweep(struct marks *m)
{
	for (u32 n = 0; n < m->count; n++) {
		if (marks_object(m, n)->leader != MARK_NONE)
			continue;
		m->leader = MARK_LOST + n;
		found(m, n);
		follow(m);
	}
	for (u32 n = 0; n < m->count; n++)
		if (marks_object(m, n)->leader >= MARK_LOST)
			leader_of(m, n);
}

/* ---- groups ---------------------------------------------------------------------------------- */

struct groups {
	struct mark_group *group;
	u32 count, space;
	u32 *slot; /* hash table by stack: number of a group + 1; 0: free */
	u32 slots; /* a power of two, more than .count */
};

static u32 *slot_for(const struct groups *g, u32 stack)
{
	u32 at = stack * 2654435761u;

	while (g->slot[at & (g->slots - 1)] &&
	       g->group[g->slot[at & (g->slots - 1)] - 1].stack != stack)
		at++;
	return &g->slot[at & (g->slots - 1)];
}

/* Makes space for one more group. Returns false without memory. */
static bool make_space(struct groups *g)
{
	u32 space = MAX(2 * g->space, 64);
	struct mark_group *group;
	u32 *slot;

	if (g->count < g->space)
		return true;
	group = krealloc(g->group, space * sizeof(*group));
	if (!group)
		return false;
	g->group = group;
	slot = kzalloc(2 * space * sizeof(*slot));
	if (!slot)
		return false;
	kfree(g->slot);
	g->slot = slot;
	g->slots = 2 * space;
	g->space = space;
	for (u32 i = 0; i < g->count; i++)
		*slot_for(g, group[i].stack) = i + 1;
	return true;
}

/* Returns the group of stack, which is created if necessary; NULL without memory. */
static struct mark_group *group_of(struct groups *g, u32 stack, u32 example)
{
	u32 *slot;

	if (!make_space(g))
		return NULL;
	slot = slot_for(g, stack);
	if (!*slot) {
		g->group[g->count] = (struct mark_group){.stack = stack, .example = example};
		*slot = ++g->count;
	}
	return &g->group[*slot - 1];
}

static bool before(const struct mark_group *a, const struct mark_group *b)
{
	bool x = a->count > a->indirect, y = b->count > b->indirect;

	if (x != y)
		return x;
	return a->bytes != b->bytes ? a->bytes > b->bytes : a->example < b->example;
}

/* Heapsort's sift-down: moves the group at i down in the heap of the first count groups. */
static void sink(struct mark_group *group, u32 i, u32 count)
{
	struct mark_group it = group[i];
	u32 child;

	for (; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && before(&group[child], &group[child + 1]))
			child++;
		if (!before(&it, &group[child]))
			break;
		group[i] = group[child];
	}
	group[i] = it;
}

static void sort(struct mark_group *group, u32 count)
{
	for (u32 i = count / 2; i-- > 0;)
		sink(group, i, count);
	for (u32 end = count; end-- > 1;) {
		struct mark_group last = group[0];

		group[0] = group[end];
		group[end] = last;
		sink(group, 0, end);
	}
}

s64 marks_group(struct marks *m, bool reachable, struct mark_group **groups)
{
	struct groups g = {0};
	s64 ret = -ENOMEM;

	for (u32 n = 0; n < m->count; n++) {
		const struct mark_object *o = marks_object(m, n);
		bool indirect = o->leader >= MARK_LOST && o->leader != MARK_LOST + n;
		struct mark_group *group;

		if ((o->leader == MARK_REACHABLE) != reachable)
			continue;
		group = group_of(&g, o->stack, n);
		if (!group)
			goto fail;
		if (!indirect && group->count == group->indirect)
			group->example = n;
		group->count++;
		group->bytes += o->size;
		group->indirect += indirect;
		group->indirect_bytes += indirect ? o->size : 0;
	}
	sort(g.group, g.count);
	*groups = g.group;
	g.group = NULL;
	ret = g.count;
fail:
	kfree(g.group);
	kfree(g.slot);
	return ret;
}
