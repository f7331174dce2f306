/* SPDX-License-Identifier: MIT */
/*
 * The program's memory, as the kernel touches it: never through the program's own addresses, but
 * by walking its page tables (faulting pages in as the program would) and going through the
 * physmap. So no fault happens in the kernel, SMAP stays closed, and both ring modes work alike.
 *
 * All take and release current's mm.lock. -EFAULT: not mapped, or not allowed for this access.
 */
#ifndef KERNEL_MM_UACCESS_H
#define KERNEL_MM_UACCESS_H

#include "common/types.h"
#include "kernel/hostcall.h"

int copy_from_user(void *dst, u64 src, u64 len);
int copy_to_user(u64 dst, const void *src, u64 len);
int clear_user(u64 dst, u64 len);
/*
 * A struct that grows with Linux's versions: dst has size bytes, the program's has user_size. What
 * the program does not have is zero in dst; what it has beyond has to be zero, else -E2BIG.
 */
int copy_struct_from_user(void *dst, u64 size, u64 src, u64 user_size);
/* Copies a string with its NUL; length without NUL, -ENAMETOOLONG when max is reached first. */
s64 strncpy_from_user(char *dst, u64 src, u64 max);

/* The same in an address space that need not be the running one (execve fills a new stack). */
struct mm;
int mm_copy_from(struct mm *mm, void *dst, u64 src, u64 len);
int mm_copy_to(struct mm *mm, u64 dst, const void *src, u64 len);
int mm_clear(struct mm *mm, u64 dst, u64 len);

#define get_user(p, uva) copy_from_user((p), (uva), sizeof(*(p)))
#define put_user(v, uva)                                                                           \
	({                                                                                         \
		__typeof__(v) v_ = (v);                                                            \
		copy_to_user((uva), &v_, sizeof(v_));                                              \
	})

/*
 * Guest-physical segments of a program's buffer, for hostcalls. Frames are pinned (a reference
 * each) until user_segs_put. Stops early after HOSTCALL_SEGS_MAX segments: .bytes says how much
 * is covered. First page bad: -EFAULT; a later one: covers what is before it, as read(2) does.
 */
struct window;
struct user_segs {
	struct segs segs;
	u64 bytes;
	struct hostcall_seg array[HOSTCALL_SEGS_MAX];
	struct window *window[HOSTCALL_SEGS_MAX]; /* pinned too; NULL: the segment is frames */
};
/* 12 KiB: allocate with user_segs_new (a per-thread one, reused); never on the stack. */
struct user_segs *user_segs_new(void);
int user_segs_add(struct user_segs *s, u64 uva, u64 len, bool write);
void user_segs_put(struct user_segs *s);
/* The segments of the running system call to come continue a transfer of which total bytes are
 * made. */
void user_segs_continue(u64 total);

/*
 * The pinned segments as memory: a position in them that begins at 0 and goes on with each call.
 * segs_write copies n bytes there, of which there are enough. 0, or -EFAULT: a file was truncated.
 */
struct segs_cursor {
	const struct user_segs *segs;
	u32 index;
	u64 done; /* bytes of that segment */
};
int segs_write(struct segs_cursor *c, const void *src, u64 n);
/*
 * For segments that are frames only, which segs_plain says: where the next bytes lie, at most max
 * of them, and *n how many lie there together.
 */
bool segs_plain(const struct user_segs *s);
const void *segs_next(struct segs_cursor *c, u64 max, u64 *n);

/*
 * As copy_from_user, for the bytes that a program sends somewhere: `buffervm check` looks at the
 * buffer. before: bytes of the same call that lie before it.
 */
int copy_from_buffer(void *dst, u64 src, u64 len, u64 before);

/* Segments of the kernel's own memory (heap or image). At most two segments for heap memory. */
int kernel_segs(struct hostcall_seg *array, u32 max, const void *p, u64 len, struct segs *out);

#endif
