/* SPDX-License-Identifier: MIT */
/*
 * What a pipe holds: a ring of slots, each of which is a part of a page. Pure logic; pages, locks
 * and waiting are the caller's (fs/pipe.c). How bytes share slots is visible to programs: it
 * decides how much fits into a pipe, when poll(2) calls it writable, and what F_SETPIPE_SZ says. So
 * the rules are Linux's (pipe(7), "Pipe capacity"; fs/pipe.c there): a slot is used as long as one
 * of its bytes is unread, and a pipe is full when all slots are used, whatever space their pages
 * have.
 */
#ifndef KERNEL_FS_PIPE_RING_H
#define KERNEL_FS_PIPE_RING_H

#include "common/types.h"

struct pipe_slot {
	char *page;
	u16 offset, len; /* the bytes: page[offset], ... */
	bool packet;	 /* of a pipe in packet mode (O_DIRECT): nothing is added to it */
};

/* Invariant: head - tail slots are used; bytes is the sum of their len, each of which is > 0. */
struct pipe_ring {
	struct pipe_slot *slot;
	u32 size; /* slots; a power of 2 */
	u32 head; /* of the next slot to fill, modulo 2^32 */
	u32 tail; /* of the oldest one */
	u64 bytes;
};

/* An empty ring of size slots. 0 or -ENOMEM. */
int ring_init(struct pipe_ring *r, u32 size);
/* The pages that are in use are the caller's to free first. */
void ring_destroy(struct pipe_ring *r);

static inline u32 ring_used(const struct pipe_ring *r)
{
	return r->head - r->tail;
}

static inline bool ring_empty(const struct pipe_ring *r)
{
	return r->head == r->tail;
}

static inline bool ring_full(const struct pipe_ring *r)
{
	return ring_used(r) >= r->size;
}

/* The slot number n of those in use, 0 being the oldest. n < ring_used. */
struct pipe_slot *ring_slot(const struct pipe_ring *r, u32 n);

/*
 * Where n bytes can be added behind the newest ones, in the same page; the caller fills them in
 * before anybody else looks at the ring. NULL: they do not fit, and nothing was changed.
 */
char *ring_merge(struct pipe_ring *r, u32 n);
/* Whether ring_merge would find space. */
bool ring_can_merge(const struct pipe_ring *r, u32 n);

/* A new slot with the first len (> 0) bytes of page, which is the ring's now. Not when it is full.
 */
void ring_append(struct pipe_ring *r, char *page, u32 len, bool packet);

/*
 * The first n bytes of the oldest slot were read; n is at most its len. A packet goes as a whole.
 * Returns the slot's page for the caller to free if nothing of it is left, else NULL.
 */
char *ring_consume(struct pipe_ring *r, u32 n);

/* As many slots as that, a power of 2. 0; -EBUSY: more are in use; -ENOMEM. */
int ring_resize(struct pipe_ring *r, u32 size);

#endif
