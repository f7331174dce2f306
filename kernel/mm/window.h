/* SPDX-License-Identifier: MIT */
/*
 * Windows: ranges of files that the monitor has mapped into guest-physical memory. A window shows
 * the host's page cache itself, and all processes can share it. The last window_put unmaps it.
 */
#ifndef KERNEL_MM_WINDOW_H
#define KERNEL_MM_WINDOW_H

#include "common/types.h"
#include "kernel/mm/backing.h"

struct window {
	struct vm_backing backing; /* for VMAs that refer to the window itself */
	void *owner;		   /* used by the backing's operations only */
	/*
	 * Host handle of the file, from which pages for private copies are read. -1: copies are
	 * made through the window, because the file may be about to change or there is no file.
	 * Valid while a VMA shows the window.
	 */
	s32 reader;
	u32 refs;
	u32 id;
	u64 gpa, offset, size; /* window byte 0 is file byte offset */
	u64 file_size;	       /* as last seen; a fault beyond it asks the host again */
	u64 dev, ino;
	u64 version; /* of the content when the window was opened: struct hostcall_window */
	bool writable;
	bool quiet; /* see struct hostcall_window */
};

/*
 * Makes a window on at least [offset, offset + len), page-aligned, of the host handle's file. The
 * caller gets a reference, and may close the handle afterwards. ops may be NULL if no VMA will
 * refer to the window itself. Returns 0 or -errno: -ENODEV for files that cannot be mapped, -EACCES
 * if the handle does not allow it.
 */
int window_new(s32 handle, u64 offset, u64 len, bool write, const struct vm_backing_ops *ops,
	       struct window **out);
/* The window shows [offset, offset + len) of its file; if write is set, writable. */
bool window_covers(const struct window *w, u64 offset, u64 len, bool write);
void window_get(struct window *w);
void window_put(struct window *w);

/* The page at this offset lies in the file. If file_size says it does not, asks the host. */
bool window_has_page(struct window *w, u64 offset);
/* Sets file_size to what the host says. */
void window_refresh(struct window *w);
/*
 * How many bytes from offset on, at most len, lie in the window and before the end of the file's
 * last page.
 */
u64 window_bytes(const struct window *w, u64 offset, u64 len);

/* Operations for backings that show a window: struct vm_backing_ops has their contracts. */
int window_populate(struct vm_fault *f); /* fault.c */
u64 window_truncate(const struct vma *v);
int window_advise(const struct vma *v, u64 start, u64 end, int advice);
void window_resident(const struct vma *v, u64 start, u64 end, u8 *vec);
int window_sync(struct mm *mm, const struct vma *v, u64 start, u64 end);

#endif
