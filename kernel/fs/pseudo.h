/* SPDX-License-Identifier: MIT */
/*
 * Pseudo file systems: trees of names that the kernel itself resolves, such as its /proc. The path
 * layer knows them by this table only; who has one registers it while the kernel starts.
 */
#ifndef KERNEL_FS_PSEUDO_H
#define KERNEL_FS_PSEUDO_H

#include "common/types.h"

struct ofile;
struct pseudo_fs;
struct stat;
struct statx;

/* A name: whose it is, and what that file system keeps of it. Copied freely, holds nothing. */
struct pseudo_node {
	const struct pseudo_fs *fs;
	u64 own[3];
};

/*
 * No lock is held when an operation is called. Results are >= 0 or -errno; -EINTR of a hostcall may
 * be among them where it is said. All operations are there.
 */
struct pseudo_fs {
	const char *root; /* where its names begin: an absolute, normalised path of a directory */

	/*
	 * Looks up a normalised path at or below .root. 1: *node is it (.fs is set), and *tail what
	 * follows a link in the middle ("" if nothing). 0: the name is the host's; path may have
	 * been rewritten (HOSTCALL_PATH_MAX bytes) to what the host calls it. -ENOENT, -ENOTDIR,
	 * -ENAMETOOLONG.
	 */
	int (*lookup)(char *path, struct pseudo_node *node, const char **tail);
	bool (*is_link)(const struct pseudo_node *node);
	/* The link leads to an object and not along its text: openat2(2), RESOLVE_NO_MAGICLINKS. */
	bool (*is_magic)(const struct pseudo_node *node);
	/* Text of a link; relative ones begin at .root. Not terminated. Its length. */
	s64 (*readlink)(const struct pseudo_node *node, char *buf, u64 size);
	/* The open file that a link stands for, a reference; NULL where it only has a text. */
	struct ofile *(*link_file)(const struct pseudo_node *node);
	/* stat(2) and statx(2) of the name itself. -EINTR is possible. */
	s64 (*stat)(const struct pseudo_node *node, struct stat *st);
	s64 (*statx)(const struct pseudo_node *node, u32 mask, struct statx *stx);
	s64 (*access)(const struct pseudo_node *node, u32 mode);
	/* open(2), of what is no link. path is the name, to be copied. NULL and *err. */
	struct ofile *(*open)(const struct pseudo_node *node, const char *path, u32 flags,
			      int *err);
};

/* fs stays for ever. Before the first program. */
void pseudo_fs_register(const struct pseudo_fs *fs);
/* The file system at or above this normalised, absolute path; NULL: the host has it. */
const struct pseudo_fs *pseudo_fs_of(const char *path);

/* f is a directory of a pseudo file system: what lies below it is found there, not by its handle.
 */
bool ofile_is_pseudo_dir(struct ofile *f);

#endif
