/* SPDX-License-Identifier: MIT */
/* User and group IDs and capabilities of threads: credentials(7). */
#ifndef KERNEL_TASK_CREDS_H
#define KERNEL_TASK_CREDS_H

#include <linux/capability.h>
#include "common/types.h"

struct process;

/*
 * Each thread has its own. Only the thread itself changes them, under task_lock. Threads that ask
 * about another process read the copy in struct process, which is that of its leader.
 */
struct creds {
	u32 ruid, euid, suid, fsuid;
	u32 rgid, egid, sgid, fsgid;
	u32 ngroups;
	u32 groups[64];
	u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding; /* bit n: capability n */
	u64 cap_ambient;
	u32 securebits; /* SECBIT_*: linux/securebits.h */
	bool no_new_privs;
	u64 stamp; /* equal stamps: the same identity on the host. task/host_ids.h */
};

#define CAPABILITIES_ALL ((1UL << (CAP_LAST_CAP + 1)) - 1)

/* Returns true if the running thread has this capability (CAP_*). */
bool capable(unsigned cap);
/*
 * Returns true if the running thread may change that process (limits, scheduling): it has the same
 * user or the capability.
 */
bool creds_may_change(const struct process *p, unsigned cap);
/*
 * kill(2): returns true if the real or effective user ID of the running thread is the real or saved
 * one of the process.
 */
bool creds_may_signal(const struct process *p);

/*
 * Makes *new the identity of the running thread, in this kernel and on the host, and fills in its
 * .stamp. Returns 0, or the host's -errno and changes nothing. No lock is held.
 */
int creds_commit(struct creds *new);

#endif
