/* SPDX-License-Identifier: MIT */
/*
 * The view: the tree of names that a jailed guest has, and the way from such a name to a file of
 * the host.
 *
 * The rules of the policy make a tree of nodes, one for each path that a rule names and for each
 * directory above it. A node may have *content*: a directory or file of the host, opened with
 * O_PATH before the guest runs, which is shown at the node's path. What lies below and has no node
 * is found by opening one component after another, each with O_NOFOLLOW, from the nearest content
 * on. So the monitor follows each symbolic link itself, within the view, and the path of every file
 * that it reaches is known. There is nothing to race for: an open descriptor does not change when
 * somebody renames a directory or puts a link in its place, and each component is judged by the
 * name under which it was opened.
 *
 * A *rule* is a node that says whether files at and below its path may be changed. Nodes cannot be
 * renamed, replaced or removed by the guest, so that no rule's files get to another path.
 *
 * Every handle that was opened by a path has a tag (handle.h): the number of its node, or that of
 * its rule with VIEW_TAG_BELOW if it has no node, so that no node lies below it. A handle without a
 * tag (0) is no start for a path, and its attributes may be changed only if it is open for writing.
 * The guest cannot change what a tag says, because it can neither move a directory to the path of a
 * node nor move a node.
 *
 * view_build is called once while the monitor has one thread. Afterwards nothing changes, and all
 * other functions may be called by any thread.
 */
#ifndef VM_JAIL_VIEW_H
#define VM_JAIL_VIEW_H

#include <limits.h>
#include <sys/stat.h>
#include "common/types.h"
#include "vm/jail/policy.h"

struct view_node {
	struct view_node *parent, *child, *next; /* siblings are in a list */
	const char *path;			 /* in the view */
	const char *name;			 /* the last component of path; "" for the root */
	u32 tag;				 /* its number, from 1 on */
	int refusal;			 /* errno of whoever comes here: EACCES, ENOENT; 0: none */
	bool has_right;			 /* is a rule ... */
	bool write;			 /* ... whose files may be changed */
	bool is_virtual;		 /* a directory that only has the names of nodes */
	bool is_scratch;		 /* its content is the sandbox's own (scratch.c) */
	bool keeps_devices;		 /* device nodes may be opened: only at this very path */
	int fd;				 /* of its content, O_PATH; -1: none */
	const struct view_node *content; /* the nearest at or above it that has content */
	const struct view_node *rule;	 /* the nearest at or above it that is a rule */
};

/* A place in the view at which a path ended. */
struct view_at {
	int fd;			      /* the file, O_PATH; -1: there is none */
	struct stat st;		      /* its attributes, if fd >= 0 */
	const struct view_node *node; /* of this path, or NULL */
	const struct view_node *rule; /* its rule */
	int dir;		      /* the directory that has the name; -1: see .dot */
	const struct view_node *dir_node, *dir_rule;
	char name[NAME_MAX + 1]; /* the last component */
	bool slash;		 /* a slash follows it */
	bool dot; /* the last component is ".", ".." or missing: .dir and .name are not set */
	bool own_fd, own_dir; /* view_put closes them */
	int from;	      /* the handle and the path that were asked for */
	const char *path;
};

enum view_flags {
	VIEW_FOLLOW = 1 << 0, /* a symbolic link at the end is followed */
	VIEW_NAME = 1 << 1,   /* .dir and .name are wanted; the file may be missing */
	VIEW_EMPTY = 1 << 2,  /* "" is the handle itself, whatever it is */
};

/*
 * Opens all that the policy names; scratch is a directory for what only the view has. Returns 0, or
 * an exit_status after a message. Called after the monitor's mounts are as they stay, because
 * descriptors do not see later ones.
 */
int view_build(const struct jail_policy *p, int scratch);
/* Removes what the view has on the host. */
void view_end(void);

/*
 * Follows a path from a handle (-1: none; an absolute path needs none). resolve: RESOLVE_* of
 * openat2(2). Returns 0 and fills *at, which the caller passes to view_put; or -errno.
 */
s64 view_find(int dir, const char *path, u32 flags, u64 resolve, struct view_at *at);
void view_put(struct view_at *at);
/*
 * Closes the file at a place already, before its last name goes: an open descriptor would delay
 * what inotify(7) tells of its end.
 */
void view_let_go(struct view_at *at);

#define VIEW_TAG_BELOW 0x80000000u

/* Makes fd a handle, as handle_add does, for a file with this rule and node. */
s64 view_add_handle(int fd, const struct view_node *rule, const struct view_node *node);
/* Returns the rule of a handle, NULL if it has none. */
const struct view_node *view_rule_of(int handle);
/* Returns the node of a handle, NULL if it has none. */
const struct view_node *view_node_of(int handle);
/*
 * Writes the path of an open file in the view, without a NUL. Returns its length, -ENOENT if it has
 * none, or -ERANGE.
 */
s64 view_path(int handle, char *path, u64 size);
/* The same for any descriptor of a file that has this rule. */
s64 view_path_of(int fd, const struct view_node *rule, char *path, u64 size);
/*
 * Returns 0, or -errno if a rule forbids this file, or, with write, its change, although the rule's
 * path is another one: the file has several names, or was moved.
 */
s64 view_check_inode(const struct stat *st, bool write);
const struct view_node *view_root(void);
/* Returns the node of a name in a directory of the view, NULL if there is none. */
const struct view_node *view_name_node(const struct view_node *dir, const char *name);
/*
 * For the other walls: calls each for every rule, with a path of the host to the file that it is
 * for and whether that may be changed.
 */
void view_each_right(void (*each)(const char *path, bool write, void *arg), void *arg);

/* scratch.c: a file system of the sandbox's own. Returns an O_PATH descriptor of its root, or -1.
 */
int scratch_make(u64 bytes);
void scratch_end(void);

#endif
