/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own directory in procfs. The guest kernel answers for its programs' /proc, so what
 * reaches a host's procfs by number is a kernel that goes astray: it would find the monitor's
 * memory, descriptors and addresses there.
 */
#ifndef VM_OWN_PROC_H
#define VM_OWN_PROC_H

#include "common/types.h"

/*
 * The guest may not have this descriptor: it is of a procfs, and open for writing, or something of
 * the monitor that its programs do not share (proc(5) calls those by namespace, mount or
 * accounting), or its memory, whatever PID namespace that procfs shows and wherever it is mounted.
 */
bool own_proc_forbids(int fd);

/* The path is one in /proc/self that the guest kernel refers its programs to. */
bool own_proc_is_shared(const char *path);

/*
 * Makes the system call nr, which opens such a path, with the right that the monitor gave up in
 * own_proc_hide. Result of the call.
 */
s64 own_proc_open(long nr, const u64 arg[6]);

/*
 * From now on the monitor's memory and descriptors are closed to other processes of its user
 * (PR_SET_DUMPABLE, prctl(2)). Before the guest runs.
 */
void own_proc_hide(void);

#endif
