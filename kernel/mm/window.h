/* SPDX-License-Identifier: MIT */
/*
 * Windows: ranges of files that the monitor mapped into guest-physical memory. The host's page
 * cache itself, shared: one window serves all processes. Reference counted; the last put closes.
 */
#ifndef KERNEL_MM_WINDOW_H
#define KERNEL_MM_WINDOW_H

#include "common/types.h"

struct ofile;

struct window {
	u32 refs;
	u32 id;
	u64 gpa, offset, size; /* window byte 0 is file byte offset */
	u64 file_size;	       /* as last seen; a fault beyond it asks again */
	u64 dev, ino;
	u64 version; /* of the file's content when the window was opened; see struct hostcall_window
		      */
	bool writable;
	bool quiet; /* see struct hostcall_window */
};

/*
 * A window that covers [offset, offset + len) of the file (page-aligned), with a reference for the
 * caller; file->window keeps another. 0 or -errno: -ENODEV for files that cannot be mapped,
 * -EACCES. *out is NULL for /dev/zero: its pages are anonymous memory.
 */
int window_open(struct ofile *file, u64 offset, u64 len, bool write, struct window **out);
void window_get(struct window *w);
void window_put(struct window *w);
/*
 * The same for a mapping of file (may be NULL) that ends: a file that is open for writing does not
 * keep a window that nobody uses, which would forbid seals (F_ADD_SEALS in fcntl(2)).
 */
void window_release(struct window *w, struct ofile *file);

/* Is the page at this file offset there now (inside the file)? Asks the host when unsure. */
bool window_has_page(struct window *w, u64 offset);
/* Asks the host for the file's size. */
void window_refresh(struct window *w);
/* How much of [offset, offset + len) is inside the window and the file's last page. */
u64 window_bytes(const struct window *w, u64 offset, u64 len);

#endif
