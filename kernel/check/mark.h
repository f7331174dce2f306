/* SPDX-License-Identifier: MIT */
/*
 * Which objects can a program still reach, and who has lost the others? A conservative mark and
 * sweep: every aligned word that could be an address in a live object is one. Pure logic, tested
 * on the host (tests/unit/check_mark_test.c).
 *
 * An address of any byte of an object keeps it, not only that of the first: containers, C++ and
 * string libraries keep such. (Valgrind calls those objects "possibly lost".) An object that is
 * kept keeps what its content points to. What no root keeps is lost: directly, or indirectly when
 * only lost objects point to it; of lost objects in a ring, one is lost directly.
 *
 * Order: marks_init, marks_add for each live object by ascending address, marks_root for each
 * piece of memory and marks_word for each register, marks_sweep, marks_group; marks_free.
 */
#ifndef KERNEL_CHECK_MARK_H
#define KERNEL_CHECK_MARK_H

#include "common/types.h"

struct mark_object {
	u64 start, size;
	u32 stack;  /* of its allocation */
	u32 leader; /* MARK_NONE, MARK_REACHABLE, or who lost it: MARK_LOST + an object's number */
	u32 next;   /* in the list of those whose content is still to be looked at */
	u32 unused;
};

enum { MARK_NONE, MARK_REACHABLE, MARK_LOST };

struct marks {
	struct mark_object **chunk;
	u32 count;
	u64 low, span; /* [low, low + span) has all objects */
	u32 todo;      /* number + 1; 0: none */
	u32 leader;    /* what is found gets it */
	u32 last;      /* that was found */
	/*
	 * The program's memory: where the kernel sees [va, va + *len), with *len made smaller to
	 * what lies together, at least 8; NULL: nothing is there for *len. Valid until the next
	 * call.
	 */
	const void *(*memory)(void *context, u64 va, u64 *len);
	void *context;
};

/* 0 or -ENOMEM; -EINVAL: the object does not lie behind the one before, and is left out. */
int marks_init(struct marks *m, const void *(*memory)(void *context, u64 va, u64 *len),
	       void *context);
int marks_add(struct marks *m, u64 start, u64 size, u32 stack);
void marks_free(struct marks *m);

/* A word that the program has outside of its objects; all words in [start, end). */
void marks_word(struct marks *m, u64 word);
void marks_root(struct marks *m, u64 start, u64 end);
/* All objects get their .leader. */
void marks_sweep(struct marks *m);

static inline struct mark_object *marks_object(const struct marks *m, u32 n)
{
	return &m->chunk[n >> 16][n & 0xffff];
}

/* Objects with one allocation stack that are lost, or that are not. */
struct mark_group {
	u32 stack;
	u32 example; /* the first one's number; one that is lost directly, if there is one */
	u64 count, bytes;
	u64 indirect, indirect_bytes; /* those of them that are lost indirectly */
};

/*
 * All that are lost, or (reachable) that are not. Groups with objects that are lost directly come
 * first, then those with most bytes. *groups: kmalloc'ed, NULL if there are none. Their number or
 * -ENOMEM.
 */
s64 marks_group(struct marks *m, bool reachable, struct mark_group **groups);

#endif
