/* SPDX-License-Identifier: MIT */
/*
 * Pseudo file systems: trees of names that the kernel itself resolves, such as its /proc. The path
 * layer knows them only by this table of operations. Their owners register them while the kernel
 * starts.
 */
#ifndef KERNEL_FS_PSEUDO_H
#define KERNEL_FS_PSEUDO_H

#include "common/types.h"

struct ofile;
struct pseudo_fs;
struct stat;
struct statx;

/* A name, and the data that its file system keeps for it. Owns nothing, so it may be copied. */
struct pseudo_node {
	const struct pseudo_fs *fs;
	u64 own[4];
};

/*
 * The caller of an operation holds no lock. Results are >= 0 or -errno; only .stat and .statx
 * return the -EINTR of a hostcall. No operation is NULL.
 */
struct pseudo_fs {
	const char *root; /* absolute, normalised path of the directory that has the names */

	/*
	 * Looks up a normalised path at or below .root. Returns 1 if it is the file system's own:
	 * *node is the name, with .fs set. If a link stands in the middle of path, *node is that
	 * link and *tail is the rest of path; else *tail is "". Returns 0 if the name is the
	 * host's, and may then replace path (HOSTCALL_PATH_MAX bytes) by the host's name. Or
	 * -ENOENT, -ENOTDIR, -ENAMETOOLONG.
	 */
	int (*lookup)(char *path, struct pseudo_node *node, const char **tail);
	bool (*is_link)(const struct pseudo_node *node);
	/* Returns true if the link leads to an object without use of its text: see openat2(2). */
	bool (*is_magic)(const struct pseudo_node *node);
	/* Reads a link, whose text may be relative to .root. Not terminated. Returns its length. */
	s64 (*readlink)(const struct pseudo_node *node, char *buf, u64 size);
	/* Returns a reference to the open file of a link; NULL if the link has only a text. */
	struct ofile *(*link_file)(const struct pseudo_node *node);
	/* stat(2) and statx(2), of a link itself. */
	s64 (*stat)(const struct pseudo_node *node, struct stat *st);
	s64 (*statx)(const struct pseudo_node *node, u32 mask, struct statx *stx);
	s64 (*access)(const struct pseudo_node *node, u32 mode);
	/*
	 * open(2). The node is no link. path is the node's name; the operation copies it if it
	 * keeps it. Returns NULL with -errno in *err on failure.
	 */
	struct ofile *(*open)(const struct pseudo_node *node, const char *path, u32 flags,
			      int *err);
};

/* Registers *fs, which is never freed. Called before the first program starts. */
void pseudo_fs_register(const struct pseudo_fs *fs);
/* Returns the pseudo file system of this normalised, absolute path; NULL: it is the host's. */
const struct pseudo_fs *pseudo_fs_of(const char *path);

/* Returns true for a directory of a pseudo file system: its handle does not lead to its names. */
bool ofile_is_pseudo_dir(struct ofile *f);

#endif
