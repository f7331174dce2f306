/* SPDX-License-Identifier: MIT */
/*
 * Directories that the sandbox may change without changing the host's: --overlay.
 *
 * Each is copied when the sandbox starts, into the file system that only the sandbox has
 * (scratch.c), and the view shows the copy as writable. So inside it is a plain file system: what
 * is open, mapped, linked or renamed behaves as anywhere. An index, which the guest cannot reach,
 * has what the host's file was when it was copied.
 *
 * At the end a helper process compares, prints what changed (--diff), keeps it in a directory
 * (--layer) and writes it back (--commit). The helper is started before the monitor gives its
 * rights up, and keeps them. The guest reaches it in no way but by the names and contents of files;
 * it follows no link.
 */
#ifndef VM_JAIL_OVERLAY_H
#define VM_JAIL_OVERLAY_H

#include <sys/stat.h>
#include "vm/jail/policy.h"

/* A file of the host when it was copied. */
struct overlay_entry {
	char *path;		/* below the overlay's directory; "" for that itself */
	struct stat host;	/* of the host's file */
	struct timespec copied; /* of the copy: st_ctim, */
	ino_t ino;		/* inode and */
	uid_t uid;		/* owner */
	gid_t gid;
};

struct overlay {
	const char *path;	     /* of the directory, as the rule has it */
	int host, copy;		     /* O_PATH descriptors of both directories */
	struct overlay_entry *entry; /* sorted by path once all are copied */
	u32 count, space;
};

/*
 * Copies what the overlays of a policy name into scratch, and makes the changes of the policy's
 * layer there. With --commit, first finishes an earlier commit that was killed. Returns 0 or an
 * exit_status after a message.
 */
int overlay_make(const struct jail_policy *p, int scratch);
/* Returns the copy's descriptor for the rule with this path, or -1. */
int overlay_copy_of(const char *path);

/* Starts the helper, if there is an overlay. Returns 0 or an exit_status after a message. */
int overlay_helper_start(const struct jail_policy *p);
/*
 * Tells the helper that the program ended, and waits for it. succeeded: with status 0. Returns
 * false if something could not be written back. Does nothing if there is no helper.
 */
bool overlay_helper_end(bool succeeded);

/* Returns the entry of this path, or NULL; only when all are sorted. */
struct overlay_entry *overlay_find(const struct overlay *o, const char *path);
/* Removes the entries below this path, and, with itself, its own. */
void overlay_forget(struct overlay *o, const char *path, bool itself);

#endif
