/* SPDX-License-Identifier: MIT */
/* What view_build.c makes and view.c uses. */
#ifndef VM_JAIL_VIEW_NODE_H
#define VM_JAIL_VIEW_NODE_H

#include "vm/jail/view.h"

/*
 * Files that are known by their inode, because they may have other names than that of their rule:
 * hard links, or a directory that was moved.
 */
struct view_inode {
	dev_t dev;
	ino_t ino;
	int refusal;		      /* errno of whoever opens it; 0: it may not be changed */
	const struct view_node *node; /* whose rule says so */
};

#define VIEW_UNWATCHED (-2)

struct view_tree {
	struct view_node *root;
	const struct view_node **node; /* by tag - 1 */
	u32 nodes;
	struct view_inode *inode; /* sorted by .ino */
	u32 inodes;
	int watch;     /* of inotify: tells when a directory of .inode moves; -1: there is none; or
			* VIEW_UNWATCHED: there is one, and it is not watched */
	dev_t *device; /* of all content that is not on a procfs */
	u32 devices;
};
extern struct view_tree view_tree;

/*
 * view_own.c: makes the files that tell programs about the sandbox: in the directory that is /proc,
 * and in that which is /, or -1 if the view has no / of its own. Returns false, with errno, on
 * failure.
 */
bool view_make_own_files(int root, int proc, const struct jail_policy *p);

/* Returns the child of this name, NULL if there is none. */
struct view_node *view_child(const struct view_node *node, const char *name, size_t len);

#endif
