/* SPDX-License-Identifier: MIT */
/*
 * Frames: 4 KiB pieces of guest RAM, handed out by a buddy allocator in blocks of 2^order.
 * One struct frame per RAM frame, in the array at boot_info.frames_gpa (index: (gpa - RAM_BASE) /
 * PAGE_SIZE). RAM that was never used since the host gave it is known to be zero and is not
 * cleared again. When nothing is free the allocator asks the monitor for more (hc_ram_grow).
 */
#ifndef KERNEL_MM_FRAME_H
#define KERNEL_MM_FRAME_H

#include "common/types.h"

#define FRAME_ORDER_MAX	 10 /* 4 MiB */
#define FRAME_ORDER_HUGE 9  /* 2 MiB */

enum {
	FRAME_ZERO = 1 << 0, /* content is zero */
	/* RAM is not added for this one, frames kept back are used: page tables of the physmap,
	   without which RAM cannot be added */
	FRAME_RESERVE = 1 << 1,
	FRAME_USER = 1 << 2, /* for a program's page: some frames are left to the kernel */
};

/* Once, first of all: ram_size bytes from RAM_BASE are present. */
void frame_init(void);

/* A block of 2^order frames, aligned to its size, refcount 1 on its first frame; 0: no memory. */
u64 frame_alloc(unsigned order, unsigned flags);

/*
 * Reference counts, of single frames. A block allocated with order > 0 and mapped piecewise is
 * first split (frame_split: every frame of it has refcount 1 then and is freed on its own).
 */
void frame_split(u64 gpa, unsigned order);
void frame_get(u64 gpa);
void frame_put(u64 gpa);		       /* frees an order-0 frame at 0 */
void frame_put_block(u64 gpa, unsigned order); /* the same for an unsplit block */
u32 frame_refs(u64 gpa);

/* The same for count single frames one after another. */
void frame_get_range(u64 gpa, u64 count);
void frame_put_range(u64 gpa, u64 count);
/*
 * The same for the time that the host reads or writes them in a call. A pinned frame stays where
 * its program has it: it does not count as shared for the pin, and fork(2) copies it for the child.
 */
void frame_pin_range(u64 gpa, u64 count);
void frame_unpin_range(u64 gpa, u64 count);
bool frame_range_pinned(u64 gpa, u64 count);
/* All of them have exactly one reference but for pins. */
bool frame_range_unshared(u64 gpa, u64 count);

/*
 * A frame that was written again after a fork had made it read-only: it will be after the next
 * fork, too, so that fork copies it at once. Forgotten when the frame is free.
 */
void frame_note_rewritten(u64 gpa);
bool frame_rewritten(u64 gpa);

/* Order of the unsplit block that begins at gpa. */
unsigned frame_order(u64 gpa);

/* gpa lies in RAM (not a window, not the boot slot). */
bool frame_is_ram(u64 gpa);

/* An order-0 frame for a program could be had. */
bool frame_left_for_user(void);

/* Less than an eighth of what the sandbox may have is left: map no pages on suspicion. */
bool frame_scarce(void);

struct frame_stats {
	u64 total, free; /* frames; total is what the sandbox may have at most (ram_max) */
};
void frame_stats(struct frame_stats *s);

#endif
