/* SPDX-License-Identifier: MIT */
/*
 * --as-root: the program is user 0 of a world of its own. The host's user who started the sandbox
 * shows as user 0 there, and nothing that the program does changes an owner on the host.
 *
 * In the file system that only the sandbox has (scratch.c: overlays, tmpfs) owners can be set: an
 * index has those that were, and the set-user-ID bits. The guest does not reach the index, and no
 * commit reads it. Elsewhere only user 0 is given, to files that show as 0.
 *
 * The host judges each access with the rights of its own user, whoever the program has become.
 */
#ifndef VM_JAIL_OWNERS_H
#define VM_JAIL_OWNERS_H

#include <sys/stat.h>
#include "vm/hostcall.h"

/*
 * Begins it. scratch: a directory of that file system. Called before the sandbox runs, after all
 * else that changes the monitor's own identity. Returns 0 or -errno.
 */
int owners_start(int scratch);
/* Returns true between owners_start and the end. The functions below are called only then. */
bool owners_are_ours(void);
/* Makes the first process user 0, with the capabilities of what works in such a world. */
void owners_identity(struct boot_info *b);

/* Takes the identity that the thread acts with from now on: new files get it as owner. */
void owners_act_as(u32 uid, u32 gid);
/* Gives a file that was just made to the thread's identity. */
void owners_made(const struct stat *st);
/* Replaces owner and bits by what the sandbox sees. */
void owners_show(struct stat *st);
void owners_show_statx(struct statx *stx);
/* chown(2) for an owner or group of -1: unchanged. Returns 0, -EPERM or -ENOSPC. */
s64 owners_change(const struct stat *st, u32 uid, u32 gid);
/*
 * Notes the set-user-ID bits of a mode. Returns the mode that the host's file gets; -EPERM or
 * -ENOSPC: it cannot be set.
 */
s64 owners_mode(const struct stat *st, u64 mode);

#endif
