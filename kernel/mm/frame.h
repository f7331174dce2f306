/* SPDX-License-Identifier: MIT */
/*
 * Frames: units of 4 KiB of guest RAM, handed out by a buddy allocator in blocks of 2^order. Each
 * frame has a struct frame in the array at boot_info.frames_gpa (index: (gpa - RAM_BASE) /
 * PAGE_SIZE). RAM that was never used since the host gave it is known to be zero and is not
 * cleared again. When nothing is free, the allocator asks the monitor for more (hc_ram_grow).
 */
#ifndef KERNEL_MM_FRAME_H
#define KERNEL_MM_FRAME_H

#include "common/types.h"

#define FRAME_ORDER_MAX	 10 /* 4 MiB */
#define FRAME_ORDER_HUGE 9  /* 2 MiB */

enum {
	FRAME_ZERO = 1 << 0, /* content is zero */
	/* May use the reserved frames, and adds no RAM: for page tables of the physmap, which
	   adding RAM needs itself */
	FRAME_RESERVE = 1 << 1,
	FRAME_USER = 1 << 2, /* for a program's page: fails before the kernel has no frames left */
};

/* Called once, before any other function of this header. boot_info has the RAM that is present. */
void frame_init(void);

/*
 * Allocates a block of 2^order frames, aligned to its size, with one reference on its first frame.
 * May make a hostcall. Returns its GPA, or 0 if there is no memory.
 */
u64 frame_alloc(unsigned order, unsigned flags);

/*
 * Reference counts of single frames. frame_split turns a block of order > 0, which has one
 * reference, into single frames with one reference each; they are freed one by one.
 */
void frame_split(u64 gpa, unsigned order);
void frame_get(u64 gpa);
void frame_put(u64 gpa);		       /* the last put frees a frame of order 0 */
void frame_put_block(u64 gpa, unsigned order); /* the last put frees an unsplit block */
u32 frame_refs(u64 gpa);

/* frame_get and frame_put for count adjacent single frames. */
void frame_get_range(u64 gpa, u64 count);
void frame_put_range(u64 gpa, u64 count);
/*
 * A pin is a reference for the time of a hostcall in which the host reads or writes the frame. It
 * keeps the frame where its program has it: a pin does not make the frame count as shared, and
 * fork(2) gives the child a copy of a pinned page that is writable.
 */
void frame_pin_range(u64 gpa, u64 count);
void frame_unpin_range(u64 gpa, u64 count);
bool frame_range_pinned(u64 gpa, u64 count); /* at least one of the frames is pinned */
/* Each of the frames has exactly one reference besides its pins. */
bool frame_range_unshared(u64 gpa, u64 count);

/*
 * Notes that a frame was written after a fork had made it read-only. The program will probably
 * write it after the next fork too, so that fork copies it at once. Freeing the frame clears this.
 */
void frame_note_rewritten(u64 gpa);
bool frame_rewritten(u64 gpa);

/* Order of the unsplit block that begins at gpa. */
unsigned frame_order(u64 gpa);

/* gpa lies in RAM (not a window, not the boot slot). */
bool frame_is_ram(u64 gpa);

/* frame_alloc(0, FRAME_USER) would not fail now for the frames that are left to the kernel. */
bool frame_left_for_user(void);

/* Less than an eighth of the sandbox's RAM (ram_max) is left: do not map speculatively. */
bool frame_scarce(void);

struct frame_stats {
	u64 total, free; /* frames; total is what the sandbox may have at most (ram_max) */
};
void frame_stats(struct frame_stats *s);

#endif
