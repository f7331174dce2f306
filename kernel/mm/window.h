/* SPDX-License-Identifier: MIT */
/*
 * Windows: ranges of files that the monitor mapped into guest-physical memory. The host's page
 * cache itself, shared: one window serves all processes. Reference counted; the last put closes.
 */
#ifndef KERNEL_MM_WINDOW_H
#define KERNEL_MM_WINDOW_H

#include "common/types.h"
#include "kernel/mm/backing.h"

struct window {
	struct vm_backing backing; /* the window as VMAs refer to it; for whoever made it */
	void *owner;		   /* for the backing's operations */
	/*
	 * Host handle of the file, from which pages for private copies are read; -1: copies are
	 * made through the window, since the file may be about to change, or is none. Valid while a
	 * VMA shows the window.
	 */
	s32 reader;
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
 * A new window on at least [offset, offset + len) of the host handle's file (page-aligned), with a
 * reference for the caller; the handle is not needed afterwards. ops may be NULL: no VMA will refer
 * to the window itself. 0 or -errno: -ENODEV for files that cannot be mapped, -EACCES.
 */
int window_new(s32 handle, u64 offset, u64 len, bool write, const struct vm_backing_ops *ops,
	       struct window **out);
/* The window shows [offset, offset + len) of its file, for writing where write is set. */
bool window_covers(const struct window *w, u64 offset, u64 len, bool write);
void window_get(struct window *w);
void window_put(struct window *w);

/* Is the page at this file offset there now (inside the file)? Asks the host when unsure. */
bool window_has_page(struct window *w, u64 offset);
/* Asks the host for the file's size. */
void window_refresh(struct window *w);
/* How much of [offset, offset + len) is inside the window and the file's last page. */
u64 window_bytes(const struct window *w, u64 offset, u64 len);

/* Operations of backings that show a window, see struct vm_backing_ops. */
int window_populate(struct vm_fault *f); /* fault.c */
u64 window_truncate(const struct vma *v);
int window_advise(const struct vma *v, u64 start, u64 end, int advice);
void window_resident(const struct vma *v, u64 start, u64 end, u8 *vec);
int window_sync(struct mm *mm, const struct vma *v, u64 start, u64 end);

#endif
