/* SPDX-License-Identifier: MIT */
/* What openat2.c shares with open.c. */
#ifndef KERNEL_FS_OPEN_H
#define KERNEL_FS_OPEN_H

#include "kernel/fs/fs.h"

struct open_how;

/* What openat2(2) takes, and of that what it takes with O_PATH. */
#define OPEN_FLAGS_KNOWN                                                                           \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |     \
	 __O_SYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |       \
	 O_CLOEXEC | O_PATH | __O_TMPFILE)
#define OPEN_FLAGS_OF_PATH (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

/* A directory that a way begins at. */
struct open_start {
	s32 dir;	    /* host handle */
	struct ofile *hold; /* keeps it; NULL where nothing has to */
	char *name;	    /* absolute, normalised; owned */
};

/* Of dirfd, AT_FDCWD, or "/". 0 or -errno; after 0, open_start_end. */
#define OPEN_AT_ROOT INT32_MIN
int open_start(struct open_start *start, s32 dirfd);
void open_start_end(struct open_start *start);

/* openat2(2) of what the host has, from start; limits are the host's to keep. NULL and *err. */
struct ofile *open_host_limited(const struct open_start *start, const char *path,
				const struct open_how *how, int *err);

/* As file_open, with how in place of its flags and mode; .resolve goes to the host. */
struct ofile *open_how_kernel(s32 dirfd, const char *path, const struct open_how *how, int *err);

/* The system call without limits, and its end: a descriptor for f, whose reference it takes. */
s64 open_user(s32 dirfd, uva path, const struct open_how *how);
s64 open_install(struct ofile *f, const struct open_how *how);

/* openat2(2) is strict where open(2) is not. 0, -EINVAL or -EAGAIN. */
int open_how_check(const struct open_how *how);

#endif
