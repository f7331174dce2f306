// SPDX-License-Identifier: MIT
/*
 * The kernel's heap. Objects of one size class share a one-frame slab: a header, then objects.
 * Larger blocks are frames of their own.
 *
 * Invariants: an address that begins a page is a block of frames; any other address is an object of
 * the slab whose header begins the page. A slab with a free object is in the list of its class; a
 * full slab is in no list. An empty slab is freed unless it is the only one in its list.
 */
#include <bsd/sys/queue.h>
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"

#define SLAB_MAGIC 0x42616c73 /* "slaB" */

struct slab {
	u32 magic;
	u16 class;
	u16 used;   /* objects in use */
	void *free; /* first free object; each begins with the next one's address */
	LIST_ENTRY(slab) link;
};
#define SLAB_SPACE (PAGE_SIZE - sizeof(struct slab))
_Static_assert(sizeof(struct slab) % 16 == 0, "objects behind the header are 16-byte aligned");

/* Multiples of 16. From 336 on, a slab holds 12, 8, 6, 4, 3 and 2 objects of the class. */
static const u16 class_size[] = {
	16, 32, 48, 64, 96, 128, 192, 256, 336, 496, 672, 1008, 1344, 2032,
};
_Static_assert(2 * 2032 <= SLAB_SPACE, "two objects of the largest class fit");

static LIST_HEAD(slab_list, slab) partial[ARRAY_SIZE(class_size)];
static struct mutex kmalloc_lock = MUTEX_INIT(LOCK_KMALLOC);

static unsigned class_of(u64 size)
{
	unsigned c = 0;

	while (class_size[c] < size)
		c++;
	return c;
}

static unsigned order_of(u64 size)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	return order;
}

static void *large_alloc(u64 size)
{
	unsigned order = order_of(size);
	u64 gpa = order <= FRAME_ORDER_MAX ? frame_alloc(order, 0) : 0;

	return gpa ? phys_to_virt(gpa) : NULL;
}

static struct slab *slab_new(unsigned class)
{
	u64 gpa = frame_alloc(0, 0);
	struct slab *s;
	char *p;

	if (!gpa)
		return NULL;
	s = phys_to_virt(gpa);
	*s = (struct slab){.magic = SLAB_MAGIC, .class = class};
	for (p = (char *)(s + 1); p + class_size[class] <= (char *)s + PAGE_SIZE;
	     p += class_size[class]) {
		*(void **)p = s->free;
		s->free = p;
	}
	return s;
}

static struct slab *slab_of(void *p)
{
	struct slab *s = (struct slab *)ALIGN_DOWN((u64)p, PAGE_SIZE);

	KASSERT(s->magic == SLAB_MAGIC && s->class < ARRAY_SIZE(class_size) && s->used > 0);
	return s;
}

void *kmalloc(u64 size)
{
	struct slab *s;
	unsigned class;
	void **p = NULL;

	if (size > class_size[ARRAY_SIZE(class_size) - 1])
		return large_alloc(size);
	class = class_of(size);
	mutex_lock(&kmalloc_lock);
	s = LIST_FIRST(&partial[class]);
	if (!s) {
		s = slab_new(class);
		if (!s)
			goto unlock;
		LIST_INSERT_HEAD(&partial[class], s, link);
	}
	p = s->free;
	s->free = *p;
	s->used++;
	if (!s->free)
		LIST_REMOVE(s, link);
unlock:
	mutex_unlock(&kmalloc_lock);
	return p;
}

void *kzalloc(u64 size)
{
	void *p = kmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

void kfree(void *p)
{
	struct slab *s, *empty = NULL;

	if (!p)
		return;
	if (IS_ALIGNED((u64)p, PAGE_SIZE)) {
		u64 gpa = virt_to_phys(p);

		frame_put_block(gpa, frame_order(gpa));
		return;
	}
	mutex_lock(&kmalloc_lock);
	s = slab_of(p);
	if (!s->free)
		LIST_INSERT_HEAD(&partial[s->class], s, link);
	*(void **)p = s->free;
	s->free = p;
	s->used--;
	if (!s->used && (LIST_FIRST(&partial[s->class]) != s || LIST_NEXT(s, link))) {
		LIST_REMOVE(s, link);
		s->magic = 0;
		empty = s;
	}
	mutex_unlock(&kmalloc_lock);
	if (empty)
		frame_put(virt_to_phys(empty));
}

/* Bytes that the object can hold. */
static u64 space_of(void *p)
{
	if (IS_ALIGNED((u64)p, PAGE_SIZE))
		return PAGE_SIZE << frame_order(virt_to_phys(p));
	return class_size[slab_of(p)->class];
}

void *krealloc(void *p, u64 size)
{
	u64 space = p ? space_of(p) : 0;
	void *q;

	if (p && size <= space && size > space / 4)
		return p;
	q = kmalloc(size);
	if (q && p) {
		memcpy(q, p, MIN(space, size));
		kfree(p);
	}
	return q;
}

char *kstrdup(const char *s)
{
	u64 size = strlen(s) + 1;
	char *p = kmalloc(size);

	if (p)
		memcpy(p, s, size);
	return p;
}
