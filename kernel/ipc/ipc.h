/* SPDX-License-Identifier: MIT */
/*
 * What the three kinds of System V IPC share: keys, identifiers and permissions. See sysvipc(7).
 *
 * The objects live in the guest kernel. They belong to the sandbox, as in an IPC namespace of its
 * own, and end with it.
 */
#ifndef KERNEL_IPC_IPC_H
#define KERNEL_IPC_IPC_H

#include <linux/ipc.h>
#include "common/types.h"
#include "kernel/lock.h"

struct process;

/* The head of each object, and its first member: the slots of a table point to it. */
struct ipc_perm_k {
	s32 key, id;
	u32 uid, gid, cuid, cgid;
	u32 mode; /* permissions; the bits above 0777 are flags of the kind */
	u16 seq;
};

/* All objects of one kind. The lock guards the table and the objects in it. */
struct ipc_table {
	struct mutex lock;
	struct ipc_perm_k **slot; /* grows; NULL: free */
	u32 size;		  /* of slot */
	u32 used;		  /* objects */
	u32 max;		  /* limit of used; never changes */
	s32 last;		  /* index that was allocated last */
	u16 seq;		  /* makes an identifier unique when its index is used again */
};
#define IPC_TABLE_INIT(limit, class)                                                               \
	{                                                                                          \
		.lock = MUTEX_INIT(class), .max = limit, .last = -1                                \
	}

/* -- The lock is held in all of these -----------------------------------------------------------
 */

/*
 * ipc_find looks an object up by the identifier that programs pass, ipc_at by its index (IPC_STAT's
 * variants). Both return NULL if there is no such object.
 */
void *ipc_find(struct ipc_table *t, s32 id);
void *ipc_at(struct ipc_table *t, s32 index);
/* Returns the highest index in use, or 0 if the table is empty. */
s32 ipc_highest(const struct ipc_table *t);

/*
 * For the get calls. Returns the object with that key; the caller checks permissions and size.
 * Returns NULL with *err = 0 if the caller has to create the object with ipc_add, and NULL with
 * *err = -EEXIST or -ENOENT if the call fails.
 */
void *ipc_get(struct ipc_table *t, s32 key, u32 flags, int *err);
/*
 * Gives a new object the running thread's identity, and enters it into the table. Returns the
 * identifier, -ENOSPC or -ENOMEM.
 */
s32 ipc_add(struct ipc_table *t, struct ipc_perm_k *perm, s32 key, u32 flags);
/* Removes the object from the table; its identifier becomes invalid. */
void ipc_remove(struct ipc_table *t, struct ipc_perm_k *perm);

/*
 * Returns true if the running thread has all of this access: IPC_READ and the like, or the mode of
 * a get call.
 */
enum { IPC_READ = 0444, IPC_WRITE = 0222, IPC_EXEC = 0111 };
bool ipc_allowed(const struct ipc_perm_k *perm, u32 mode);
/* Returns true if the running thread may change or remove the object. */
bool ipc_owned(const struct ipc_perm_k *perm);
/* What IPC_SET changes and IPC_STAT reports of the head. ipc_set returns 0 or -EINVAL. */
int ipc_set(struct ipc_perm_k *perm, const struct ipc64_perm *new);
struct ipc64_perm ipc_stat(const struct ipc_perm_k *perm);

/* Returns true if the group is the fsgid or a supplementary group of c. Needs no lock. */
struct creds;
bool ipc_in_group(const struct creds *c, u32 gid);

/* Seconds since 1970, for the times in the objects. */
s64 ipc_now(void);

#endif
