/* SPDX-License-Identifier: MIT */
/*
 * Access to the program's memory. The kernel never uses the program's own addresses: it walks the
 * program's page tables, serves a fault for each page that is missing, and goes through the
 * physmap. So no fault happens in the kernel, SMAP stays closed, and both ring modes work alike.
 *
 * Functions that take a program's address take and release mm.lock of its address space: the
 * running process's, unless there is an argument mm. They return 0, or -EFAULT if memory is not
 * mapped or does not allow the access.
 */
#ifndef KERNEL_MM_UACCESS_H
#define KERNEL_MM_UACCESS_H

#include "common/types.h"
#include "kernel/hostcall.h"

int copy_from_user(void *dst, u64 src, u64 len);
int copy_to_user(u64 dst, const void *src, u64 len);
int clear_user(u64 dst, u64 len);
/* Returns whether the program could write the whole range now. */
bool user_writable(u64 dst, u64 len);
/*
 * Copies a struct that grows with Linux's versions: dst has size bytes, the program's has
 * user_size. Members that the program's lacks become zero in dst. Returns -E2BIG if bytes of the
 * program's beyond size are not zero.
 */
int copy_struct_from_user(void *dst, u64 size, u64 src, u64 user_size);
/*
 * Copies a string with its NUL. Returns the length without the NUL, or -ENAMETOOLONG if the first
 * max bytes have no NUL.
 */
s64 strncpy_from_user(char *dst, u64 src, u64 max);

/* As above, in an address space that need not be the running one (execve fills a new stack). */
struct mm;
int mm_copy_from(struct mm *mm, void *dst, u64 src, u64 len);
int mm_copy_to(struct mm *mm, u64 dst, const void *src, u64 len);
int mm_clear(struct mm *mm, u64 dst, u64 len);
/*
 * As mm_copy_from, but does not wait for RAM: returns -ENOMEM if a page has to be made and none is
 * left. For callers that hold a lock inside of which task_lock may not be taken. They may release
 * it, read by copy_from_user, and begin again.
 */
int mm_copy_from_nowait(struct mm *mm, void *dst, u64 src, u64 len);

#define get_user(p, uva) copy_from_user((p), (uva), sizeof(*(p)))
#define put_user(v, uva)                                                                           \
	({                                                                                         \
		__typeof__(v) v_ = (v);                                                            \
		copy_to_user((uva), &v_, sizeof(v_));                                              \
	})

/*
 * Guest-physical segments of a program's buffer, for hostcalls. Frames are pinned, and windows
 * referenced, until user_segs_put. user_segs_add appends the segments of a buffer, and .bytes says
 * how many bytes are covered in all. It stops early at HOSTCALL_SEGS_MAX segments, and at a page
 * that cannot be accessed, as read(2) does. It returns -EFAULT if that is the buffer's first page,
 * or if the range is not one that programs may map.
 */
struct window;
struct user_segs {
	struct segs segs;
	u64 bytes;
	struct hostcall_seg array[HOSTCALL_SEGS_MAX];
	struct window *window[HOSTCALL_SEGS_MAX]; /* a reference; NULL: the segment is frames */
};
/*
 * struct user_segs has 12 KiB, so it never lies on a stack. user_segs_new returns the thread's own
 * one or allocates another; NULL: no memory.
 */
struct user_segs *user_segs_new(void);
int user_segs_add(struct user_segs *s, u64 uva, u64 len, bool write);
void user_segs_put(struct user_segs *s);
/*
 * Tells `buffervm check` that the next segments of this system call continue a transfer of which
 * total bytes are done.
 */
void user_segs_continue(u64 total);

/*
 * A position in pinned segments, which begins at 0 and advances with each call. segs_write copies n
 * bytes to it; the segments have at least n bytes left. Returns 0, or -EFAULT if the file of a
 * window was truncated.
 */
struct segs_cursor {
	const struct user_segs *segs;
	u32 index;
	u64 done; /* bytes of segment index that were passed */
};
int segs_write(struct segs_cursor *c, const void *src, u64 n);
/*
 * segs_plain returns whether all segments are frames. segs_next, for such segments, returns the
 * address of the next bytes; *n is how many lie there, at most max.
 */
bool segs_plain(const struct user_segs *s);
const void *segs_next(struct segs_cursor *c, u64 max, u64 *n);

/*
 * As copy_from_user, for bytes that a program sends: `buffervm check` checks the buffer. before:
 * how many bytes the same system call sends from other buffers before this one.
 */
int copy_from_buffer(void *dst, u64 src, u64 len, u64 before);

/*
 * Makes the segments of the kernel's own memory (heap or image). Memory of kmalloc gives at most
 * two. Returns 0, or -EINVAL if max is too small.
 */
int kernel_segs(struct hostcall_seg *array, u32 max, const void *p, u64 len, struct segs *out);

#endif
