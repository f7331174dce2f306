/* SPDX-License-Identifier: MIT */
/* The CPUs of the host that a thread may run on: sched_setaffinity(2). */
#ifndef KERNEL_TASK_CPU_MASK_H
#define KERNEL_TASK_CPU_MASK_H

#include "common/types.h"

#define CPU_MASK_BYTES	 128 /* 1,024 CPUs */
#define CPU_MASK_UNKNOWN (~0U)

struct cpu_mask {
	/* As from the host's sched_getaffinity(2); 0: never changed; or CPU_MASK_UNKNOWN. */
	u32 bytes;
	u64 mask[CPU_MASK_BYTES / sizeof(u64)];
};

#endif
