/* SPDX-License-Identifier: MIT */
/*
 * Record locks of one file: who has which bytes, read or write. Pure logic, tested on the host
 * (tests/unit/lock_table_test.c); kernel/ipc/locks.c says when it is asked. Rules: fcntl(2),
 * "Advisory record locking".
 *
 * Invariants of a table: records of one owner do not overlap, and those of the same type do not
 * touch either; records of two owners overlap only where both are read locks. Sorted by start.
 */
#ifndef KERNEL_IPC_LOCK_TABLE_H
#define KERNEL_IPC_LOCK_TABLE_H

#include <bsd/sys/queue.h>
#include "common/types.h"

#define LOCK_END_MAX ((u64)INT64_MAX) /* last byte of a lock "to the end of the file" */

enum lock_type { RECORD_NONE, RECORD_READ, RECORD_WRITE };

/* Bytes [start, last]: a lock that is wanted, or what is held. */
struct lock_range {
	u64 start, last;
	enum lock_type type;
	const void *owner; /* only compared */
	s32 pid;	   /* of the process that locked, for F_GETLK */
};

struct lock_record {
	LIST_ENTRY(lock_record) link;
	struct lock_range range;
};
LIST_HEAD(lock_table, lock_record);

/* Returns the first record that conflicts with r; NULL: r's owner can have r. */
const struct lock_range *lock_conflict(const struct lock_table *t, const struct lock_range *r);
/*
 * Gives the owner exactly r in that range (RECORD_NONE: nothing). Does not look for conflicts.
 * 0, or -ENOMEM, and then the table is unchanged.
 */
int lock_set(struct lock_table *t, const struct lock_range *r);
/* Removes all records of that owner. Returns true if there were any. */
bool lock_drop_owner(struct lock_table *t, const void *owner);
/*
 * Sets r->type to the strongest type that any owner has at r->start, and lowers r->last to where
 * that type ends. For walking over a range.
 */
void lock_strongest(const struct lock_table *t, struct lock_range *r);

/* An owner that waits for a lock that another one has. */
struct lock_wait {
	LIST_ENTRY(lock_wait) link;
	const void *owner, *holder;
};
LIST_HEAD(lock_waits, lock_wait);

/* Returns true if holder waits for owner, directly or through others: EDEADLK. */
bool lock_deadlock(const struct lock_waits *waits, const void *owner, const void *holder);

#endif
