/* SPDX-License-Identifier: MIT */
/* User and group IDs and capabilities: who a thread is, and what it may do. credentials(7). */
#ifndef KERNEL_TASK_CREDS_H
#define KERNEL_TASK_CREDS_H

#include <linux/capability.h>
#include "common/types.h"

struct process;

/*
 * Each thread has its own, which only it changes, under task_lock. Other threads, which ask about a
 * process, look at struct process's copy: that of its leader.
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
	u64 stamp; /* equal stamps: the same identity towards the host. task/host_ids.h */
};

#define CAPABILITIES_ALL ((1UL << (CAP_LAST_CAP + 1)) - 1)

/* The running thread has this capability (CAP_*). */
bool capable(unsigned cap);
/* The running thread may change that process (limits, scheduling): same user, or the capability. */
bool creds_may_change(const struct process *p, unsigned cap);
/* kill(2): a user ID of the running thread is the real or saved one of that process. */
bool creds_may_signal(const struct process *p);

/*
 * Makes *new the identity of the running thread, here and towards the host; .stamp is filled in.
 * 0, or the host's -errno and nothing has changed. No lock is held.
 */
int creds_commit(struct creds *new);

#endif
