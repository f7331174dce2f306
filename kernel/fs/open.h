/* SPDX-License-Identifier: MIT */
/* What openat2.c shares with open.c. */
#ifndef KERNEL_FS_OPEN_H
#define KERNEL_FS_OPEN_H

#include "kernel/fs/fs.h"

struct open_how;

/* The O_* flags that openat2(2) takes, and those that it takes together with O_PATH. */
#define OPEN_FLAGS_KNOWN                                                                           \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |     \
	 __O_SYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |       \
	 O_CLOEXEC | O_PATH | __O_TMPFILE)
#define OPEN_FLAGS_OF_PATH (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

/* The directory at which a path resolution begins. */
struct open_start {
	s32 dir;	    /* host handle */
	struct ofile *hold; /* a reference that keeps dir open; NULL: dir stays without one */
	char *name;	    /* absolute, normalised; owned */
};

/*
 * Fills *start for dirfd: a descriptor, AT_FDCWD, or OPEN_AT_ROOT for "/". Returns 0 or -errno.
 * After 0, the caller calls open_start_end.
 */
#define OPEN_AT_ROOT INT32_MIN
int open_start(struct open_start *start, s32 dirfd);
void open_start_end(struct open_start *start);

/*
 * Makes the host open path from start as openat2(2) does; the host enforces how->resolve. Returns
 * the open file, or NULL with -errno in *err.
 */
struct ofile *open_host_limited(const struct open_start *start, const char *path,
				const struct open_how *how, int *err);

/* As file_open, with how in place of its flags and mode. The host enforces how->resolve. */
struct ofile *open_how_kernel(s32 dirfd, const char *path, const struct open_how *how, int *err);

/* Opens a path of the program's. Returns a descriptor or -errno. */
s64 open_user(s32 dirfd, uva path, const struct open_how *how);
/* Returns a descriptor for f, which was opened with how, or -errno. Takes the reference to f. */
s64 open_install(struct ofile *f, const struct open_how *how);

/* Checks *how by the rules of openat2(2), which open(2) does not have. 0, -EINVAL or -EAGAIN. */
int open_how_check(const struct open_how *how);

#endif
