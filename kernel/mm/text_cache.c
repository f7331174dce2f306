// SPDX-License-Identifier: MIT
/*
 * See text_cache.h. A chunk is 2 MiB of a file, or what is left up to the file's end, in adjacent
 * frames. The chunk holds one reference to each of its frames, and each leaf that shows a frame
 * holds another.
 *
 * A chunk belongs to a version of a file: the file's time of change as the monitor saw it when it
 * made the window. The version is 0, and the file has no text copy, while that time is so recent
 * that another change could have the same time.
 */
#include "kernel/mm/text_cache.h"
#include <bsd/sys/queue.h>
#include <linux/mman.h>
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/patch_text.h"
#include "kernel/mm/window.h"

#define BUCKETS	    256
#define CHUNK_PAGES (HUGE_SIZE / PAGE_SIZE)
#define RAM_SHARE   8 /* text copies use at most one part in 8 of all RAM */

struct text_chunk {
	LIST_ENTRY(text_chunk) link;
	u64 dev, ino, version;
	u64 offset; /* in the file, a multiple of 2 MiB */
	u64 gpa, pages;
};

/* Protects the chunks. Nothing is allocated and no hostcall is made under this lock. */
static struct mutex text_lock = MUTEX_INIT(LOCK_TEXT);
static LIST_HEAD(, text_chunk) buckets[BUCKETS];
static u64 text_pages; /* of all chunks */

bool text_fits(const struct vma *v)
{
	const struct window *w = vma_window(v);

	return (v->flags & VMA_DENYWRITE) && !(v->flags & VMA_SHARED) && !(v->prot & PROT_WRITE) &&
	       w && w->reader >= 0 && w->version;
}

static unsigned bucket_of(u64 ino, u64 offset)
{
	return ((ino + offset / HUGE_SIZE) * 0x9e3779b97f4a7c15UL) >> 56;
}

/* text_lock is held. */
static struct text_chunk *find(const struct window *w, u64 offset)
{
	struct text_chunk *p;

	ASSERT_HELD(&text_lock);
	LIST_FOREACH (p, &buckets[bucket_of(w->ino, offset)], link)
		if (p->dev == w->dev && p->ino == w->ino && p->version == w->version &&
		    p->offset == offset)
			return p;
	return NULL;
}

/*
 * Returns whether there is space for another chunk: RAM is not scarce, and text copies stay within
 * their share of RAM or unmapped ones could be freed.
 */
static bool make_space(u64 pages)
{
	struct frame_stats s;

	frame_stats(&s);
	if (frame_scarce())
		return false;
	return READ_ONCE(text_pages) + pages <= s.total / RAM_SHARE || text_shrink();
}

/* Reads a chunk, which the caller puts into its list. NULL: no memory, or the read failed. */
static struct text_chunk *fill(const struct window *w, u64 offset)
{
	u64 end = MIN(w->file_size, offset + HUGE_SIZE);
	u64 pages = ALIGN_UP(end - offset, PAGE_SIZE) / PAGE_SIZE;
	unsigned order = pages > 1 ? 64 - __builtin_clzl(pages - 1) : 0;
	struct hostcall_seg seg = {.len = end - offset};
	const struct segs segs = {1, &seg};
	struct text_chunk *p;
	u64 gpa;

	if (!make_space(pages))
		return NULL;
	p = kmalloc(sizeof(*p));
	gpa = p ? frame_alloc(order, FRAME_USER) : 0;
	if (!gpa)
		goto free;
	frame_split(gpa, order);
	if (pages < 1UL << order)
		frame_put_range(gpa + pages * PAGE_SIZE, (1UL << order) - pages);
	seg.gpa = gpa;
	if (hc_preadv2(w->reader, &segs, offset, 0) != (s64)seg.len)
		goto put;
	memset((char *)phys_to_virt(gpa) + seg.len, 0, pages * PAGE_SIZE - seg.len);
	*p = (struct text_chunk){
		.dev = w->dev,
		.ino = w->ino,
		.version = w->version,
		.offset = offset,
		.gpa = gpa,
		.pages = pages,
	};
	return p;
put:
	frame_put_range(gpa, pages);
free:
	kfree(p);
	return NULL;
}

/* Takes references to frames of a chunk for text_take's caller. text_lock is held. */
static u64 take(const struct text_chunk *p, u64 first, u64 most, u64 *gpa)
{
	u64 n = first < p->pages ? MIN(most, p->pages - first) : 0;

	ASSERT_HELD(&text_lock);
	*gpa = p->gpa + first * PAGE_SIZE;
	frame_get_range(*gpa, n);
	return n;
}

u64 text_take(const struct vma *v, u64 offset, u64 most, u64 *gpa)
{
	const struct window *w = vma_window(v);
	u64 base = ALIGN_DOWN(offset, HUGE_SIZE), n = 0;
	struct text_chunk *p, *fresh = NULL;

	mutex_lock(&text_lock);
	p = find(w, base);
	if (!p) {
		mutex_unlock(&text_lock);
		fresh = fill(w, base);
		mutex_lock(&text_lock);
		/* Another process may have added the chunk meanwhile. */
		p = find(w, base);
		if (!p && fresh) {
			LIST_INSERT_HEAD(&buckets[bucket_of(fresh->ino, base)], fresh, link);
			text_pages += fresh->pages;
			p = fresh;
			fresh = NULL;
		}
	}
	if (p)
		n = take(p, (offset - base) / PAGE_SIZE, most, gpa);
	mutex_unlock(&text_lock);
	if (fresh) {
		frame_put_range(fresh->gpa, fresh->pages);
		kfree(fresh);
	}
	return n;
}

u64 text_peek(const struct vma *v, u64 offset)
{
	u64 base = ALIGN_DOWN(offset, HUGE_SIZE), gpa = 0;
	struct text_chunk *p;

	mutex_lock(&text_lock);
	p = find(vma_window(v), base);
	if (p && !take(p, (offset - base) / PAGE_SIZE, 1, &gpa))
		gpa = 0;
	mutex_unlock(&text_lock);
	return gpa;
}

bool text_shrink(void)
{
	struct text_chunk *p, *next, *gone = NULL;

	mutex_lock(&text_lock);
	for (unsigned i = 0; i < BUCKETS; i++) {
		for (p = LIST_FIRST(&buckets[i]); p; p = next) {
			next = LIST_NEXT(p, link);
			if (!frame_range_unshared(p->gpa, p->pages))
				continue;
			LIST_REMOVE(p, link);
			text_pages -= p->pages;
			LIST_NEXT(p, link) = gone;
			gone = p;
		}
	}
	mutex_unlock(&text_lock);
	for (p = gone; p; p = next) {
		next = LIST_NEXT(p, link);
		patch_text_retire(p->gpa, p->pages);
		frame_put_range(p->gpa, p->pages);
		kfree(p);
	}
	return gone;
}
