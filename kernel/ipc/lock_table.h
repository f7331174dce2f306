/* SPDX-License-Identifier: MIT */
/*
 * Record locks of one file: which owner has which bytes, for reading or writing. This is pure
 * logic, tested on the host (tests/unit/lock_table_test.c); kernel/ipc/locks.c calls it, and its
 * lock guards the table. The rules are those of fcntl(2), "Advisory record locking".
 *
 * Invariants of a table: its records are sorted by their start. Records of one owner do not
 * overlap, and those of the same type do not touch either. Records of two owners overlap only where
 * both are read locks.
 */
#ifndef KERNEL_IPC_LOCK_TABLE_H
#define KERNEL_IPC_LOCK_TABLE_H

#include <bsd/sys/queue.h>
#include "common/types.h"

#define LOCK_END_MAX ((u64)INT64_MAX) /* last byte of a lock "to the end of the file" */

enum lock_type { RECORD_NONE, RECORD_READ, RECORD_WRITE };

/* The bytes from start to last, both included: a lock that is requested, or one that is held. */
struct lock_range {
	u64 start, last;
	enum lock_type type;
	const void *owner; /* never dereferenced */
	s32 pid;	   /* of the locking process, for F_GETLK */
};

struct lock_record {
	LIST_ENTRY(lock_record) link;
	struct lock_range range;
};
LIST_HEAD(lock_table, lock_record);

/* Returns the first record that conflicts with r, or NULL if the owner of r can have r. */
const struct lock_range *lock_conflict(const struct lock_table *t, const struct lock_range *r);
/*
 * Makes r the only lock that its owner has in that range (RECORD_NONE: no lock). Does not look for
 * conflicts. Returns 0, or -ENOMEM and leaves the table unchanged.
 */
int lock_set(struct lock_table *t, const struct lock_range *r);
/* Removes all records of the owner. Returns true if there were any. */
bool lock_drop_owner(struct lock_table *t, const void *owner);
/*
 * Sets r->type to the strongest type that any owner has at r->start, and lowers r->last to the last
 * byte for which that is true. The caller walks over a range with it.
 */
void lock_strongest(const struct lock_table *t, struct lock_range *r);

/* An owner that waits for a lock of another owner, the holder. */
struct lock_wait {
	LIST_ENTRY(lock_wait) link;
	const void *owner, *holder;
};
LIST_HEAD(lock_waits, lock_wait);

/* Returns true if the holder waits for the owner, directly or through others: EDEADLK. */
bool lock_deadlock(const struct lock_waits *waits, const void *owner, const void *holder);

#endif
