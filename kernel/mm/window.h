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
	bool writable;
};

/*
 * A window that covers [offset, offset + len) of the file (page-aligned). Takes a reference.
 * 0 or -errno: -ENODEV for files that cannot be mapped, -EACCES.
 */
int window_open(struct ofile *file, u64 offset, u64 len, bool write, struct window **out);
void window_get(struct window *w);
void window_put(struct window *w);

/* Is the page at this file offset there now (inside the file)? Asks the host when unsure. */
bool window_has_page(struct window *w, u64 offset);

#endif
