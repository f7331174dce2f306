/* SPDX-License-Identifier: MIT */
/*
 * Handles: the host file descriptors that the guest may name. The number of a handle is that of the
 * descriptor. The table of handles tells which descriptors are the guest's, so the guest cannot
 * reach the monitor's own (KVM, vCPUs, windows) by any number.
 *
 * A hostcall holds a reference to each handle that it uses. As soon as a handle is closed, no
 * further call can name it; the descriptor is closed when the last reference is dropped. So no call
 * ever works on a descriptor number that already belongs to another file.
 *
 * All functions but handle_limit may be called by any thread at any time; no lock is needed.
 */
#ifndef VM_HANDLE_H
#define VM_HANDLE_H

#include "common/host_kernel.h"
#include "common/types.h"

/* Sets the most handles that there may be. Called before the second thread exists. */
void handle_limit(u64 max);

/*
 * Makes fd a handle and takes it over from the caller. Returns its number, -ENFILE if there are as
 * many handles as handle_limit allows, or -EMFILE if fd is HANDLE_MAX or more or memory is
 * exhausted. fd is closed on failure.
 */
s64 handle_add(int fd);

/*
 * Takes a reference to the handle with this number, which the guest may have made up. Returns the
 * descriptor, or -EBADF. The caller ends each success with one handle_put or handle_close.
 */
int handle_get(u64 number);
void handle_put(int fd);

/*
 * Closes a handle to which the caller holds a reference, and drops that reference. Returns the
 * result of close(2), 0 if another call still uses the handle, or -EBADF if another thread has
 * closed it.
 */
s64 handle_close(int fd);

/*
 * The same, with a number that the jail keeps for the handle (jail/view.h); handle_add makes it 0.
 * It never changes, since a handle can be closed, and its number used again, at any moment. The
 * caller of handle_tag holds a reference.
 */
s64 handle_add_tagged(int fd, u32 tag);
u32 handle_tag(int fd);

/* Returns the address of the table of chunks, for the Linux module. */
u64 handle_table(void);

/* Returns how many handles handle_limit has refused. */
u64 handle_refused(void);

/* Returns the number of open handles. */
u64 handle_count(void);

#endif
