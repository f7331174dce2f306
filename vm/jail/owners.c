// SPDX-License-Identifier: MIT
/*
 * See owners.h. The index is a hash table by inode. It is used only if the file system is a tmpfs,
 * whose inode numbers are never used again, so an entry cannot come to stand for another file.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "vm/jail/owners.h"

#define ENTRIES_MAX   (1U << 20) /* 24 MiB */
#define ENTRIES_LEAST 1024
#define SPECIAL	      ((u64)(S_ISUID | S_ISGID))

/* An inode of 0 is a free place. */
struct entry {
	ino_t ino;
	u32 uid, gid;
	u32 bits; /* SPECIAL ones of its mode */
};

static struct {
	bool on, indexed;
	dev_t dev;
	u32 uid, gid;	       /* the host's, which show as 0 */
	pthread_rwlock_t lock; /* guards all below */
	struct entry *entry;
	u32 count, space; /* space: a power of 2, and twice the count or more */
} owners = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static _Thread_local u32 acting_uid, acting_gid;

int owners_start(int scratch)
{
	struct statfs fs;
	struct stat st;

	if (fstat(scratch, &st) || fstatfs(scratch, &fs))
		return -errno;
	owners.entry = calloc(ENTRIES_LEAST, sizeof(*owners.entry));
	if (!owners.entry)
		return -ENOMEM;
	owners.space = ENTRIES_LEAST;
	owners.dev = st.st_dev;
	owners.indexed = fs.f_type == TMPFS_MAGIC;
	owners.uid = geteuid();
	owners.gid = getegid();
	owners.on = true;
	return 0;
}

bool owners_are_ours(void)
{
	return owners.on;
}

void owners_identity(struct boot_info *b)
{
	static const u8 works[] = {CAP_CHOWN,  CAP_FOWNER,  CAP_FSETID,	    CAP_KILL,
				   CAP_SETGID, CAP_SETUID,  CAP_SETPCAP,    CAP_NET_BIND_SERVICE,
				   CAP_MKNOD,  CAP_SETFCAP, CAP_SYS_CHROOT, CAP_AUDIT_WRITE};
	u64 set = 0;

	for (u32 i = 0; i < ARRAY_SIZE(works); i++)
		set |= 1UL << works[i];
	b->ruid = b->euid = b->suid = b->rgid = b->egid = b->sgid = 0;
	b->ngroups = 0;
	b->cap_bounding = b->cap_permitted = b->cap_effective = set;
	b->cap_inheritable = b->cap_ambient = 0;
}

/* ---- the index ------------------------------------------------------------------------------ */

/* Returns the place of an inode, or the free one where it would be. Called with the lock held. */
static struct entry *place_of(struct entry *table, u32 space, ino_t ino)
{
	u32 at = (u32)((u64)ino * 0x9e3779b97f4a7c15 >> 32) & (space - 1);

	while (table[at].ino && table[at].ino != ino)
		at = (at + 1) & (space - 1);
	return &table[at];
}

static bool grow(void)
{
	struct entry *more = calloc(2UL * owners.space, sizeof(*more));

	if (!more)
		return false;
	for (u32 i = 0; i < owners.space; i++)
		if (owners.entry[i].ino)
			*place_of(more, 2 * owners.space, owners.entry[i].ino) = owners.entry[i];
	free(owners.entry);
	owners.entry = more;
	owners.space *= 2;
	return true;
}

static bool is_indexed(dev_t dev)
{
	return owners.indexed && dev == owners.dev;
}

/* Returns what a file shows. */
static struct entry look(dev_t dev, ino_t ino, u32 uid, u32 gid)
{
	struct entry e = {
		.ino = ino, .uid = uid == owners.uid ? 0 : uid, .gid = gid == owners.gid ? 0 : gid};
	const struct entry *known;

	if (!is_indexed(dev))
		return e;
	pthread_rwlock_rdlock(&owners.lock);
	known = place_of(owners.entry, owners.space, ino);
	if (known->ino)
		e = *known;
	pthread_rwlock_unlock(&owners.lock);
	return e;
}

/* Puts an entry into the index. Returns 0 or -ENOSPC. */
static s64 put(const struct entry *e)
{
	struct entry *to;
	s64 ret = 0;

	pthread_rwlock_wrlock(&owners.lock);
	to = place_of(owners.entry, owners.space, e->ino);
	if (!to->ino) {
		if (owners.count == ENTRIES_MAX || (2 * owners.count >= owners.space && !grow()))
			ret = -ENOSPC;
		to = place_of(owners.entry, owners.space, e->ino);
		owners.count += ret == 0;
	}
	if (ret == 0)
		*to = *e;
	pthread_rwlock_unlock(&owners.lock);
	return ret;
}

/* ---- what calls do -------------------------------------------------------------------------- */

void owners_act_as(u32 uid, u32 gid)
{
	acting_uid = uid;
	acting_gid = gid;
}

void owners_made(const struct stat *st)
{
	const struct entry e = {.ino = st->st_ino, .uid = acting_uid, .gid = acting_gid};

	if (is_indexed(st->st_dev) && (acting_uid || acting_gid))
		put(&e);
}

void owners_show(struct stat *st)
{
	struct entry e = look(st->st_dev, st->st_ino, st->st_uid, st->st_gid);

	st->st_uid = e.uid;
	st->st_gid = e.gid;
	st->st_mode |= e.bits;
}

void owners_show_statx(struct statx *stx)
{
	struct entry e = look(makedev(stx->stx_dev_major, stx->stx_dev_minor), stx->stx_ino,
			      stx->stx_uid, stx->stx_gid);

	stx->stx_uid = e.uid;
	stx->stx_gid = e.gid;
	stx->stx_mode |= (u16)e.bits;
}

s64 owners_change(const struct stat *st, u32 uid, u32 gid)
{
	struct entry e = look(st->st_dev, st->st_ino, st->st_uid, st->st_gid);

	uid = uid == (u32)-1 ? e.uid : uid;
	gid = gid == (u32)-1 ? e.gid : gid;
	if (!is_indexed(st->st_dev))
		return uid == e.uid && gid == e.gid ? 0 : -EPERM;
	e.uid = uid;
	e.gid = gid;
	if (!S_ISDIR(st->st_mode))
		e.bits = 0;
	return put(&e);
}

s64 owners_mode(const struct stat *st, u64 mode)
{
	struct entry e = look(st->st_dev, st->st_ino, st->st_uid, st->st_gid);
	u32 bits = S_ISDIR(st->st_mode) ? 0 : (u32)(mode & SPECIAL);
	s64 ret = 0;

	if (bits && !is_indexed(st->st_dev))
		return -EPERM;
	if (bits != e.bits) {
		e.bits = bits;
		ret = put(&e);
	}
	return ret < 0 ? ret : (s64)(mode & 07777 & ~(u64)bits);
}
