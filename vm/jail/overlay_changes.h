/* SPDX-License-Identifier: MIT */
/*
 * What changed in an overlay: a list that overlay_changes.c finds, overlay_layer.c keeps in a
 * directory, overlay_patch.c prints as a patch and overlay_commit.c makes on the host.
 *
 * Names and contents come from the guest. So names are opened one by one without following links,
 * and printed without control characters.
 */
#ifndef VM_JAIL_OVERLAY_CHANGES_H
#define VM_JAIL_OVERLAY_CHANGES_H

#include "vm/jail/overlay.h"

enum change_kind { ADDED = 'A', MODIFIED = 'M', DELETED = 'D' };

struct change {
	enum change_kind kind;
	char *path;	  /* below the overlay's directory */
	struct stat base; /* of the host's file when it was copied; not for ADDED */
	struct stat copy; /* of the program's file; not for DELETED */
	char *link;	  /* another path of the same file, which is no later change; or NULL */
};

/* Sorted by path, so that a directory comes before what is in it. */
struct changes {
	struct change *change;
	u32 count, space;
	bool failed; /* memory is exhausted, or the copy cannot be read: the list is not complete */
};

/* Compares a copy with what was copied. The caller passes the result to changes_free. */
struct changes changes_find(const struct overlay *o);
void changes_free(struct changes *c);
/* Adds a change; copies path and link, which may be NULL. Returns NULL if memory is exhausted. */
struct change *changes_add(struct changes *c, enum change_kind kind, const char *path,
			   const char *link);
void changes_sort(struct changes *c);

/* Prints a line for each change; top: path of the overlay. */
void changes_print(const struct changes *c, const char *top);
/* Returns path without control characters, in a buffer that the next call overwrites. */
const char *changes_printable(const char *path);

/*
 * Opens the directory that has the last component of path, without following links. *name becomes
 * that component. Returns -1 with errno on failure.
 */
int open_parent(int root, const char *path, const char **name);
/* Compares the contents of two files or links below two directories; mode: of both. */
bool same_content(int root_a, const char *path_a, int root_b, const char *path_b, mode_t mode);
bool same_time(const struct timespec *a, const struct timespec *b);
/*
 * Copies a file's content to an empty file, without filling holes. Returns false with errno on
 * failure.
 */
bool copy_data(int from, int to);
/* Copies those extended attributes that users set, and access control lists, as far as it can. */
void copy_attributes(int from, int to);
/*
 * Copies the regular file or the link `name` of the directory from, as a new name of the directory
 * to. mode: the permissions of the file's copy; NULL: only the owner's. Returns false with errno.
 */
bool copy_file(int from, const char *name, int to, const mode_t *mode);
bool copy_link(int from, const char *name, int to);

/*
 * overlay_commit.c. data: a directory that has the program's files at their paths.
 *
 * changes_commit makes each change on the host, and takes those out of the list that are made. A
 * change that the host has already is made: so the list may be that of a commit that was killed.
 * Returns false, after messages, if some are left. temporary: the name for files that are not
 * complete.
 */
bool changes_commit(struct changes *c, const char *path, int host, int data, const char *temporary);
/* Removes what a killed commit has left under that name. */
void changes_sweep(const struct changes *c, int host, const char *temporary);
/* Returns true if the host has what a change makes. */
bool change_is_made(const struct changes *c, u32 index, int host, int data);

/* overlay_patch.c: prints the changes as a unified diff. path: of the overlay, for messages. */
void changes_print_patch(const struct changes *c, const char *path, int host, int copy);

#endif
