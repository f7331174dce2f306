/* SPDX-License-Identifier: MIT */
/*
 * Handles: the host file descriptors that the guest may name. A handle's number is the descriptor's
 * own; the table says which descriptors are the guest's, so that the monitor's (KVM, vCPUs,
 * windows) are out of its reach whatever number it tries.
 *
 * A call holds a reference to each handle that it uses. A handle that is closed meanwhile cannot
 * be named any more at once, and its descriptor is closed with the last reference: no call ever
 * works on a descriptor number that already means another file.
 */
#ifndef VM_HANDLE_H
#define VM_HANDLE_H

#include "common/types.h"

#define HANDLE_MAX (1 << 20) /* descriptors at or above this number are never handles */

/* From now on there are at most max handles. Before the second thread. */
void handle_limit(u64 max);

/*
 * Makes fd, which the caller owns, a handle. Returns it, or -EMFILE, or -ENFILE at the limit (fd is
 * closed then).
 */
s64 handle_add(int fd);

/*
 * A reference to the handle with this number as the guest sent it: the descriptor or -EBADF.
 * Each success is paired with one handle_put or handle_close.
 */
int handle_get(u64 number);
void handle_put(int fd);

/*
 * Closes a handle that the caller holds a reference to, and drops that. Result of close(2); 0 when
 * another call still uses it; -EBADF when it was closed already.
 */
s64 handle_close(int fd);

/* Handles that are open. */
u64 handle_count(void);

#endif
