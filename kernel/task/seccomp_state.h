/* SPDX-License-Identifier: MIT */
/* What a thread has of seccomp(2): see seccomp.h. */
#ifndef KERNEL_TASK_SECCOMP_STATE_H
#define KERNEL_TASK_SECCOMP_STATE_H

#include "common/types.h"

struct seccomp_filter;

struct seccomp_state {
	u8 mode;		       /* SECCOMP_MODE_* */
	u32 count;		       /* of filters, for /proc/PID/status */
	struct seccomp_filter *filter; /* the newest; NULL: none */
	bool deaf;		       /* waits for a supervisor; only deadly signals end that */
};

#endif
