/* SPDX-License-Identifier: MIT */
/*
 * A conservative mark and sweep finds which objects a program can still reach, and sorts the others
 * by the lost object that leads to them. Every aligned word that could be an address in a live
 * object counts as one. Pure logic, tested on the host (tests/unit/check_mark_test.c).
 *
 * An address of any byte of an object keeps it, not only the address of its first byte, because
 * containers, C++ and string libraries store such addresses. (Valgrind calls these objects
 * "possibly lost".) An object that is kept keeps the objects that its content points to. All other
 * objects are lost. A lost object that another lost object points to is lost indirectly, any other
 * one directly; of lost objects in a ring, one is lost directly.
 *
 * Order: marks_init, marks_add for each live object by ascending address, marks_root for each
 * piece of memory and marks_word for each register, marks_sweep, marks_group; marks_free.
 */
#ifndef KERNEL_CHECK_MARK_H
#define KERNEL_CHECK_MARK_H

#include "common/types.h"

struct mark_object {
	u64 start, size;
	u32 stack; /* of its allocation */
	/*
	 * MARK_NONE, MARK_REACHABLE, or MARK_LOST + the number of the lost object that leads to it
	 */
	u32 leader;
	u32 next; /* in the list of marked objects whose content is still to be scanned */
	u32 unused;
};

enum { MARK_NONE, MARK_REACHABLE, MARK_LOST };

struct marks {
	struct mark_object **chunk;
	u32 count;
	u64 low, span; /* all objects lie in [low, low + span) */
	u32 todo;      /* head of the list of objects to scan: number + 1; 0: empty */
	u32 leader;    /* objects that are found get this leader */
	u32 last;      /* the number of the object found last */
	/*
	 * Reads the program's memory. Returns a pointer through which the kernel sees
	 * [va, va + *len), and reduces *len to what is contiguous there, at least 8. Returns NULL
	 * if none of the *len bytes is mapped. The pointer is valid until the next call.
	 */
	const void *(*memory)(void *context, u64 va, u64 *len);
	void *context;
};

/*
 * Both return 0 or -ENOMEM. marks_add returns -EINVAL, and leaves the object out, if the object
 * does not lie behind the one added before.
 */
int marks_init(struct marks *m, const void *(*memory)(void *context, u64 va, u64 *len),
	       void *context);
int marks_add(struct marks *m, u64 start, u64 size, u32 stack);
void marks_free(struct marks *m);

/* Adds roots: a word that the program has outside of its objects, or all words in [start, end). */
void marks_word(struct marks *m, u64 word);
void marks_root(struct marks *m, u64 start, u64 end);
/* Gives each object its final .leader. */
void marks_sweep(struct marks *m);

static inline struct mark_object *marks_object(const struct marks *m, u32 n)
{
	return &m->chunk[n >> 16][n & 0xffff];
}

/* All lost, or all reachable, objects that have one allocation stack. */
struct mark_group {
	u32 stack;
	u32 example; /* number of the first that is lost directly; if none is, of the first */
	u64 count, bytes;
	u64 indirect, indirect_bytes; /* the part of them that is lost indirectly */
};

/*
 * Groups the objects that are lost or, if reachable is true, those that are not. Groups with
 * directly lost objects come first, and among these and among the others the groups with most
 * bytes. Stores the groups in *groups, which the caller frees with kfree; NULL if there are none.
 * Returns their number or -ENOMEM.
 */
s64 marks_group(struct marks *m, bool reachable, struct mark_group **groups);

#endif
