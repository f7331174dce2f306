/* SPDX-License-Identifier: MIT */
/* What CLONE_FS shares: current directory, root directory and umask. See cwd.c and chroot.c. */
#ifndef KERNEL_FS_FS_INFO_H
#define KERNEL_FS_FS_INFO_H

#include "common/types.h"
#include "kernel/lock.h"

struct ofile;

struct fs_info {
	u32 users;		 /* atomic */
	struct mutex lock;	 /* guards all below */
	s32 cwd;		 /* host handle (O_PATH) */
	struct ofile *cwd_file;	 /* a reference, owns cwd; NULL: cwd is boot's, which stays open */
	s32 root;		 /* host handle of the sandbox's "/"; never changes */
	struct ofile *root_file; /* the directory of chroot(2), a reference; NULL: "/" */
	char *root_name;	 /* name of root_file on the host; owned */
	u32 umask;
};

/* Returns a copy with one user, for fork(2); NULL: no memory. Takes fs->lock. task/task.c */
struct fs_info *fs_dup(struct fs_info *fs);
/* Drops a user. */
void fs_put(struct fs_info *fs);

#endif
