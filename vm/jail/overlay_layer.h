/* SPDX-License-Identifier: MIT */
/*
 * Changes of an overlay that are kept in a directory: a layer (--layer), and the journal of a
 * commit.
 *
 * The directory has an index (layer.json) and a directory with the contents of added and modified
 * files, which the index names. What is deleted, modes and owners are in the index alone. A new
 * state is written beside the old one and takes its place by a rename of the index, so that a crash
 * leaves one of them, whole. A lock on the directory is held by whoever uses it.
 *
 * A journal is a layer in the user's directory for state (XDG Base Directory Specification), named
 * after the overlay's directory. It is not in the overlay, where a program could make one.
 */
#ifndef VM_JAIL_OVERLAY_LAYER_H
#define VM_JAIL_OVERLAY_LAYER_H

#include "vm/jail/overlay_changes.h"

struct layer {
	int dir;	    /* the layer's directory, locked; -1: none */
	int data;	    /* what the index names; -1: none yet */
	u64 number;	    /* of data */
	char temporary[32]; /* the name for files that a commit has not completed */
	const char *path;
};

/*
 * Opens the layer of an overlay, and makes it if there is none. Returns 0 and the changes that it
 * keeps, or an exit_status after a message.
 */
int layer_open(struct layer *l, const char *path, const struct overlay *o, struct changes *c);
/*
 * Opens the journal of an overlay. make: also if there is none, and .temporary is set in any case.
 * Returns 1; 0 if there is none, or none can be made; -1 after a message if it cannot be used.
 */
int journal_open(struct layer *l, const struct overlay *o, bool make, struct changes *c);
/*
 * Keeps these changes instead, whose files are below data. Returns false after a message.
 */
bool layer_save(struct layer *l, const struct overlay *o, const struct changes *c, int data);
/* Removes the journal. */
void journal_remove(struct layer *l, const struct overlay *o);
void layer_close(struct layer *l);

/* Makes the changes in the overlay's copy and its index. Returns 0 or an exit_status. */
int layer_apply(const struct layer *l, struct overlay *o, struct changes *c);

#endif
