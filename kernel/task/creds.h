/* SPDX-License-Identifier: MIT */
/* User and group IDs and capabilities: who a process is, and what it may do. */
#ifndef KERNEL_TASK_CREDS_H
#define KERNEL_TASK_CREDS_H

#include <linux/capability.h>
#include "common/types.h"

struct process;

struct creds {
	u32 ruid, euid, suid, fsuid;
	u32 rgid, egid, sgid, fsgid;
	u32 ngroups;
	u32 groups[64];
	u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding; /* bit n: capability n */
};

#define CAPABILITIES_ALL ((1UL << (CAP_LAST_CAP + 1)) - 1)

/* The running process has this capability (CAP_*). */
bool capable(unsigned cap);
/* The running process may change that one (limits, scheduling): same user, or the capability. */
bool creds_may_change(const struct process *p, unsigned cap);
/* kill(2): a user ID of the running process is the real or saved one of that process. */
bool creds_may_signal(const struct process *p);

#endif
