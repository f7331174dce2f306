/* SPDX-License-Identifier: MIT */
/*
 * Processes that serve a sandbox from outside of its walls. Each is started before the walls are
 * raised, has no other descriptors than its socket and standard error, and no capabilities; it ends
 * when the monitor's end of the socket is closed, so it does not outlive the monitor.
 */
#ifndef VM_JAIL_HELPER_H
#define VM_JAIL_HELPER_H

#include "common/types.h"

/*
 * Starts a process that calls work(arg, socket) and ends with what that returns. keep: a further
 * descriptor that the process has, as number HELPER_KEPT, and the caller no longer; -1: none.
 * *socket becomes the caller's end of a pair of type SOCK_SEQPACKET. Called while the monitor has
 * one thread. Returns 0, or EXIT_HOST after a message that begins with name.
 */
#define HELPER_KEPT 4
int helper_start(const char *name, int (*work)(const void *arg, int socket), const void *arg,
		 int keep, int *socket);

#endif
