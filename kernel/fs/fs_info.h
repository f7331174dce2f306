/* SPDX-License-Identifier: MIT */
/* What CLONE_FS shares: cwd.c. */
#ifndef KERNEL_FS_FS_INFO_H
#define KERNEL_FS_FS_INFO_H

#include "common/types.h"
#include "kernel/lock.h"

struct ofile;

/* Current directory and umask: shared with CLONE_FS. See fs_dup, fs_put. */
struct fs_info {
	u32 users; /* atomic */
	struct mutex lock;
	s32 cwd;		 /* host handle (O_PATH) */
	struct ofile *cwd_file;	 /* owns cwd, a reference; NULL: boot's cwd, which stays open */
	s32 root;		 /* host handle of the sandbox's "/" */
	struct ofile *root_file; /* of chroot(2), a reference; NULL: none */
	char *root_name;	 /* its name on the host; owned */
	u32 umask;
};

/* A copy for fork(2), NULL: no memory. Drops a reference. */
struct fs_info *fs_dup(struct fs_info *fs);
void fs_put(struct fs_info *fs);

#endif
