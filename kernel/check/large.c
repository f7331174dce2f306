// SPDX-License-Identifier: MIT
/*
 * Objects larger than CHK_SMALL_MAX. Each is an anonymous mapping with a record in a tree, ordered
 * by address. Addresses ascend, with a free page between neighbours, and start over only at the end
 * of the area. The records of dead objects are kept until their addresses are used again; they are
 * few, because each large object costs the program a mapping.
 */
#include "kernel/kernel.h"
#include "kernel/check/internal.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"

static int large_compare(const struct chk_large *a, const struct chk_large *b)
{
	return a->start < b->start ? -1 : a->start > b->start;
}

#define UNUSED_STATIC __attribute__((unused)) static
RB_GENERATE_INTERNAL(chk_large_tree, chk_large, link, large_compare, UNUSED_STATIC)

struct chk_large *large_after(struct chk_heap *h, u64 addr)
{
	struct chk_large key = {.start = addr};

	return RB_NFIND(chk_large_tree, &h->large, &key);
}

struct chk_large *large_at_or_before(struct chk_heap *h, u64 addr)
{
	struct chk_large *l = large_after(h, addr);

	if (l && l->start == addr)
		return l;
	return l ? RB_PREV(chk_large_tree, &h->large, l) : RB_MAX(chk_large_tree, &h->large);
}

/* Frees the dead records in [start, end). Returns false if a live object is there. */
static bool forget(struct chk_heap *h, u64 start, u64 end)
{
	struct chk_large *l = large_at_or_before(h, start), *next;

	if (!l || l->end + PAGE_SIZE <= start)
		l = large_after(h, start);
	for (struct chk_large *i = l; i && i->start < end;
	     i = RB_NEXT(chk_large_tree, &h->large, i))
		if (i->state == CHK_STATE_LIVE)
			return false;
	for (; l && l->start < end; l = next) {
		next = RB_NEXT(chk_large_tree, &h->large, l);
		RB_REMOVE(chk_large_tree, &h->large, l);
		kfree(l);
	}
	return true;
}

/* Finds an address for len bytes and the guard page behind them. Returns 0 if there is none. */
static u64 find_address(struct chk_heap *h, u64 len, u64 align)
{
	u64 at = ALIGN_UP(h->large_cursor, align);
	struct chk_large *l;

	for (u32 rounds = 0; rounds < 2;) {
		if (at < h->large_cursor || at + len + PAGE_SIZE > CHK_LARGE_AREA_END) {
			at = ALIGN_UP(CHK_LARGE_AREA, align);
			rounds++;
			continue;
		}
		if (forget(h, at, at + len + PAGE_SIZE))
			return at;
		/* Go on behind the object that is in the way. */
		l = large_at_or_before(h, at + len);
		at = ALIGN_UP(l->end + PAGE_SIZE, align);
	}
	return 0;
}

struct chk_large *large_make(struct mm *mm, u64 size, u64 align, s64 *err)
{
	struct chk_heap *h = mm->check->heap;
	u64 len = ALIGN_UP(size, PAGE_SIZE), pages = len >> PAGE_SHIFT, at;
	struct chk_large *l;

	*err = -ENOMEM;
	if (size > CHK_LARGE_AREA_END - CHK_LARGE_AREA || align > CHK_LARGE_AREA ||
	    !mm_may_expand(mm, pages, true))
		return NULL;
	at = find_address(h, len, MAX(align, PAGE_SIZE));
	l = at ? kzalloc(sizeof(*l)) : NULL;
	if (!l)
		return NULL;
	*err = mm_map_at_locked(mm, at, len, &chk_large_objects);
	if (*err < 0) {
		kfree(l);
		return NULL;
	}
	h->large_cursor = at + len + PAGE_SIZE;
	l->start = at;
	l->end = at + len;
	RB_INSERT(chk_large_tree, &h->large, l);
	return l;
}

void large_unmake(struct mm *mm, struct chk_large *l)
{
	/* No VMA extends beyond the object, so no VMA has to be split, and this cannot fail. */
	mm_unmap_locked(mm, l->start, l->end - l->start);
}

int large_dup(struct chk_heap *to, const struct chk_heap *from)
{
	struct chk_large *l, *copy;

	RB_FOREACH (l, chk_large_tree, UNCONST(&from->large)) {
		copy = kmalloc(sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		*copy = *l;
		RB_INSERT(chk_large_tree, &to->large, copy);
	}
	return 0;
}

void large_sum(const struct chk_heap *h, struct chk_info *info)
{
	struct chk_large *l;

	RB_FOREACH (l, chk_large_tree, UNCONST(&h->large)) {
		if (l->state != CHK_STATE_LIVE)
			continue;
		info->large++;
		info->large_bytes += l->size;
		info->mapped += l->end - l->start;
	}
}

void large_free(struct chk_heap *h)
{
	struct chk_large *l;

	while ((l = RB_MIN(chk_large_tree, &h->large))) {
		RB_REMOVE(chk_large_tree, &h->large, l);
		kfree(l);
	}
}
