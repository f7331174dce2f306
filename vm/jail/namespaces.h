/* SPDX-License-Identifier: MIT */
/* Namespaces of the monitor (namespaces(7)). */
#ifndef VM_JAIL_NAMESPACES_H
#define VM_JAIL_NAMESPACES_H

#include "common/types.h"

/*
 * Moves the process into a new user namespace in which it has its own user and group ID, and all
 * capabilities. An ordinary user needs this for the other namespaces. Files of other users then
 * show as those of 65534. Returns 0 or -errno; the process may be in the new namespace without an
 * ID then, and has to end. The process has one thread.
 */
int namespace_user(void);

/*
 * Moves the process into a new network namespace, in which not even the loopback interface is up; a
 * new System V IPC namespace; a new UTS namespace. Returns 0 or -errno. The process has one thread,
 * beside that of namespace_net_begin, and CAP_SYS_ADMIN.
 */
int namespace_net(void);
int namespace_ipc(void);
int namespace_uts(void);

/*
 * Begins to make the network namespace, in a thread that namespace_net waits for: that takes longer
 * than all else at the start together. Called while the process has one thread and CAP_SYS_ADMIN.
 */
void namespace_net_begin(void);

/*
 * Moves the process into a new mount namespace, to which no mount from outside is propagated.
 * Returns 0 or -errno, as above.
 */
int namespace_mount(void);

#endif
