// SPDX-License-Identifier: MIT
/* See ipc.h. The arithmetic of identifiers is Linux's (ipc/util.c): programs print them. */
#include "kernel/ipc/ipc.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

#define INDEX_BITS 15
#define INDEX_MASK ((1 << INDEX_BITS) - 1)
#define MODE_ALL   0777U
#define GROW	   64

void *ipc_at(struct ipc_table *t, s32 index)
{
	ASSERT_HELD(&t->lock);
	return index >= 0 && (u32)index < t->size ? t->slot[index] : NULL;
}

void *ipc_find(struct ipc_table *t, s32 id)
{
	struct ipc_perm_k *perm = id < 0 ? NULL : ipc_at(t, id & INDEX_MASK);

	ASSERT_HELD(&t->lock);
	return perm && perm->id == id ? perm : NULL;
}

s32 ipc_highest(const struct ipc_table *t)
{
	s32 i = (s32)t->size - 1;

	ASSERT_HELD(&t->lock);
	while (i > 0 && !t->slot[i])
		i--;
	return MAX(i, 0);
}

bool ipc_in_group(const struct creds *c, u32 gid)
{
	if (gid == c->fsgid)
		return true;
	for (u32 i = 0; i < c->ngroups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

bool ipc_allowed(const struct ipc_perm_k *perm, u32 mode)
{
	const struct creds *c = current_creds();
	u32 asked = mode >> 6 | mode >> 3 | mode;
	u32 granted = perm->mode;

	if (c->euid == perm->cuid || c->euid == perm->uid)
		granted >>= 6;
	else if (ipc_in_group(c, perm->cgid) || ipc_in_group(c, perm->gid))
		granted >>= 3;
	return !(asked & ~granted & 7) || capable(CAP_IPC_OWNER);
}

bool ipc_owned(const struct ipc_perm_k *perm)
{
	u32 euid = current_creds()->euid;

	return euid == perm->cuid || euid == perm->uid || capable(CAP_SYS_ADMIN);
}

void *ipc_get(struct ipc_table *t, s32 key, u32 flags, int *err)
{
	ASSERT_HELD(&t->lock);
	*err = 0;
	if (key == IPC_PRIVATE)
		return NULL;
	for (u32 i = 0; i < t->size; i++) {
		struct ipc_perm_k *perm = t->slot[i];

		if (!perm || perm->key != key)
			continue;
		if ((flags & IPC_CREAT) && (flags & IPC_EXCL)) {
			*err = -EEXIST;
			return NULL;
		}
		return perm;
	}
	if (!(flags & IPC_CREAT))
		*err = -ENOENT;
	return NULL;
}

static s32 free_index(struct ipc_table *t)
{
	struct ipc_perm_k **slot;

	if (t->used >= t->max)
		return -ENOSPC;
	for (u32 i = 0; i < t->size; i++)
		if (!t->slot[i])
			return (s32)i;
	slot = krealloc(t->slot, (t->size + GROW) * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	memset(slot + t->size, 0, GROW * sizeof(*slot));
	t->slot = slot;
	t->size += GROW;
	return (s32)(t->size - GROW);
}

s32 ipc_add(struct ipc_table *t, struct ipc_perm_k *perm, s32 key, u32 flags)
{
	const struct creds *c = current_creds();
	s32 index = free_index(t);

	ASSERT_HELD(&t->lock);
	if (index < 0)
		return index;
	if (index <= t->last)
		t->seq++;
	t->last = index;
	*perm = (struct ipc_perm_k){
		.key = key,
		/* An identifier is never negative: system calls return it. */
		.id = ((t->seq << INDEX_BITS) | index) & INT32_MAX,
		.uid = c->euid,
		.cuid = c->euid,
		.gid = c->egid,
		.cgid = c->egid,
		.mode = flags & MODE_ALL,
		.seq = t->seq,
	};
	t->slot[index] = perm;
	t->used++;
	return perm->id;
}

void ipc_remove(struct ipc_table *t, struct ipc_perm_k *perm)
{
	ASSERT_HELD(&t->lock);
	t->slot[perm->id & INDEX_MASK] = NULL;
	t->used--;
}

int ipc_set(struct ipc_perm_k *perm, const struct ipc64_perm *new)
{
	if (new->uid == ~0U || new->gid == ~0U)
		return -EINVAL;
	perm->uid = new->uid;
	perm->gid = new->gid;
	perm->mode = (perm->mode & ~MODE_ALL) | (new->mode &MODE_ALL);
	return 0;
}

struct ipc64_perm ipc_stat(const struct ipc_perm_k *perm)
{
	return (struct ipc64_perm){
		.key = perm->key,
		.uid = perm->uid,
		.gid = perm->gid,
		.cuid = perm->cuid,
		.cgid = perm->cgid,
		.mode = perm->mode,
		.seq = perm->seq,
	};
}

s64 ipc_now(void)
{
	return (s64)(clock_realtime_ns() / NSEC_PER_SEC);
}
