/* SPDX-License-Identifier: MIT */
/*
 * What the three kinds of System V IPC share: keys, identifiers, permissions. sysvipc(7).
 *
 * The objects live in the guest kernel: they are the sandbox's, as in an IPC namespace of its own,
 * and end with it.
 */
#ifndef KERNEL_IPC_IPC_H
#define KERNEL_IPC_IPC_H

#include <linux/ipc.h>
#include "common/types.h"
#include "kernel/lock.h"

struct process;

/* The head of each object. */
struct ipc_perm_k {
	s32 key, id;
	u32 uid, gid, cuid, cgid;
	u32 mode; /* permissions, and flags of the kind above 0777 */
	u16 seq;
};

/* All objects of one kind. lock guards them, and everything in them. */
struct ipc_table {
	struct mutex lock;
	struct ipc_perm_k **slot; /* grows; NULL: free */
	u32 size;		  /* of slot */
	u32 used;		  /* objects */
	u32 max;		  /* that there may be: never changes */
	s32 last;		  /* index that was given last */
	u16 seq;		  /* makes an identifier new when its index is not */
};
#define IPC_TABLE_INIT(limit, class)                                                               \
	{                                                                                          \
		.lock = MUTEX_INIT(class), .max = limit, .last = -1                                \
	}

/* -- All of these: lock held ------------------------------------------------------------------ */

/* By identifier, as programs pass it; NULL: EINVAL. By index (IPC_STAT's kin); NULL: none. */
void *ipc_find(struct ipc_table *t, s32 id);
void *ipc_at(struct ipc_table *t, s32 index);
/* Highest index in use; 0 also where there is none. */
s32 ipc_highest(const struct ipc_table *t);

/*
 * The get calls. ipc_get: the object of that key, of which the caller checks the rest; NULL with
 * *err 0: a new one is to be made, with ipc_add; NULL with an error else.
 */
void *ipc_get(struct ipc_table *t, s32 key, u32 flags, int *err);
/* A new object gets identity and identifier: that, or -ENOSPC, -ENOMEM. */
s32 ipc_add(struct ipc_table *t, struct ipc_perm_k *perm, s32 key, u32 flags);
/* Removes the object from the table; its identifier becomes invalid. */
void ipc_remove(struct ipc_table *t, struct ipc_perm_k *perm);

/* Returns true if the running process may access it so: IPC_READ and its kin, or a get call's mode.
 */
enum { IPC_READ = 0444, IPC_WRITE = 0222, IPC_EXEC = 0111 };
bool ipc_allowed(const struct ipc_perm_k *perm, u32 mode);
/* Returns true if the running process may change or remove the object. */
bool ipc_owned(const struct ipc_perm_k *perm);
/* IPC_SET; IPC_STAT. */
int ipc_set(struct ipc_perm_k *perm, const struct ipc64_perm *new);
struct ipc64_perm ipc_stat(const struct ipc_perm_k *perm);

/* The group is one of those of that identity. No lock. */
struct creds;
bool ipc_in_group(const struct creds *c, u32 gid);

/* Seconds since 1970, for the times in the objects. */
s64 ipc_now(void);

#endif
