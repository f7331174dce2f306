// SPDX-License-Identifier: MIT
/* See pipe_ring.h. Tested on the host: tests/unit/pipe_ring_test.c. */
#include "kernel/fs/pipe_ring.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"

int ring_init(struct pipe_ring *r, u32 size)
{
	*r = (struct pipe_ring){.size = size, .slot = kmalloc(size * sizeof(*r->slot))};
	return r->slot ? 0 : -ENOMEM;
}

void ring_destroy(struct pipe_ring *r)
{
	kfree(r->slot);
	r->slot = NULL;
}

struct pipe_slot *ring_slot(const struct pipe_ring *r, u32 n)
{
	return &r->slot[(r->tail + n) & (r->size - 1)];
}

bool ring_can_merge(const struct pipe_ring *r, u32 n)
{
	const struct pipe_slot *last;

	if (ring_empty(r))
		return false;
	last = ring_slot(r, ring_used(r) - 1);
	return !last->packet && last->offset + last->len + n <= PAGE_SIZE;
}

char *ring_merge(struct pipe_ring *r, u32 n)
{
	struct pipe_slot *last;
	char *at;

	if (!ring_can_merge(r, n))
		return NULL;
	last = ring_slot(r, ring_used(r) - 1);
	at = last->page + last->offset + last->len;
	last->len += n;
	r->bytes += n;
	return at;
}

void ring_append(struct pipe_ring *r, char *page, u32 len, bool packet)
{
	KASSERT(!ring_full(r) && len > 0 && len <= PAGE_SIZE);
	r->slot[r->head++ & (r->size - 1)] = (struct pipe_slot){page, 0, len, packet};
	r->bytes += len;
}

char *ring_consume(struct pipe_ring *r, u32 n)
{
	struct pipe_slot *s = ring_slot(r, 0);

	KASSERT(!ring_empty(r) && n <= s->len);
	if (s->packet)
		n = s->len;
	s->offset += n;
	s->len -= n;
	r->bytes -= n;
	if (s->len)
		return NULL;
	r->tail++;
	return s->page;
}

int ring_resize(struct pipe_ring *r, u32 size)
{
	const u32 used = ring_used(r);
	struct pipe_slot *slot;

	if (used > size)
		return -EBUSY;
	slot = kmalloc(size * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (u32 i = 0; i < used; i++)
		slot[i] = *ring_slot(r, i);
	kfree(r->slot);
	r->slot = slot;
	r->size = size;
	r->tail = 0;
	r->head = used;
	return 0;
}
