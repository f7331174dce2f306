/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a pipe: a ring of slots, each of which is a part of a page. Pure logic: the caller
 * (fs/pipe.c) allocates and frees the pages, locks and waits. Programs can see how bytes share
 * slots: it decides how much fits into a pipe, when poll(2) calls it writable, and what
 * F_SETPIPE_SZ returns. So the rules are Linux's (pipe(7), "Pipe capacity"; Linux's fs/pipe.c): a
 * slot is used as long as one of its bytes is unread, and a pipe is full when all slots are used,
 * even if their pages have space.
 */
#ifndef KERNEL_FS_PIPE_RING_H
#define KERNEL_FS_PIPE_RING_H

#include "common/types.h"

struct pipe_slot {
	char *page;
	u16 offset, len; /* the unread bytes are page[offset] to page[offset + len - 1] */
	bool packet;	 /* written in packet mode (O_DIRECT): no bytes are added to the slot */
};

/* Invariant: head - tail slots are used; bytes is the sum of their len, each of which is > 0. */
struct pipe_ring {
	struct pipe_slot *slot;
	u32 size; /* slots; a power of 2 */
	u32 head; /* number of the next slot to fill, modulo 2^32 */
	u32 tail; /* number of the oldest used slot */
	u64 bytes;
};

/* Makes an empty ring of size slots, a power of 2. Returns 0 or -ENOMEM. */
int ring_init(struct pipe_ring *r, u32 size);
/* Frees the slots. The caller has freed the pages of the used slots before. */
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

/* Returns used slot number n (< ring_used); 0 is the oldest. */
struct pipe_slot *ring_slot(const struct pipe_ring *r, u32 n);

/*
 * Adds n bytes to the newest slot, in its page, and returns their place. The caller writes them
 * there before another thread looks at the ring. Returns NULL and changes nothing if they do not
 * fit.
 */
char *ring_merge(struct pipe_ring *r, u32 n);
/* Returns true if ring_merge would find space. */
bool ring_can_merge(const struct pipe_ring *r, u32 n);

/* Adds a slot with the first len (> 0) bytes of page, which is the ring's then. r is not full. */
void ring_append(struct pipe_ring *r, char *page, u32 len, bool packet);

/*
 * Removes the first n bytes (at most len) of the oldest slot, after they were read. Removes a
 * packet as a whole. Returns the slot's page, for the caller to free, if the slot is empty then;
 * else NULL.
 */
char *ring_consume(struct pipe_ring *r, u32 n);

/* Changes the number of slots to size, a power of 2. 0; -EBUSY: more are in use; -ENOMEM. */
int ring_resize(struct pipe_ring *r, u32 size);

#endif
