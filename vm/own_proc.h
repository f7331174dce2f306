/* SPDX-License-Identifier: MIT */
/*
 * Keeps the guest out of the monitor's own directory in procfs. The guest kernel itself serves its
 * programs' /proc. In the host's procfs a broken or hostile guest kernel would find the monitor's
 * memory, descriptors and addresses.
 */
#ifndef VM_OWN_PROC_H
#define VM_OWN_PROC_H

#include "common/types.h"

/*
 * Returns true if the guest must not get this descriptor. That is a file of a procfs that is open
 * for writing, or that is one of the links self and thread-self, or the monitor's memory, or
 * another file in the monitor's directory. Files there that tell about the namespaces, mounts and
 * accounting which the programs share with the monitor (proc(5)) are allowed. It does not matter
 * which PID namespace the procfs shows and where it is mounted.
 */
bool own_proc_forbids(int fd);

/*
 * Returns true if the path is one of those in /proc/self to which the guest kernel refers its
 * programs.
 */
bool own_proc_is_shared(const char *path);

/*
 * Makes the system call nr, which opens such a path, with the process made dumpable meanwhile: that
 * gives back the access that own_proc_hide took. Returns the result of the call.
 */
s64 own_proc_open(long nr, const u64 arg[6]);

/*
 * Closes the monitor's memory and descriptors to other processes of its user (PR_SET_DUMPABLE,
 * prctl(2)). Called before the guest runs.
 */
void own_proc_hide(void);

/* Makes own_proc_open fail with -EACCES from now on: a sandbox never shows the monitor's files. */
void own_proc_confine(void);

#endif
