/* SPDX-License-Identifier: MIT */
/* CPUs of the host that a thread may run on: sched_setaffinity(2). */
#ifndef KERNEL_TASK_CPU_MASK_H
#define KERNEL_TASK_CPU_MASK_H

#include "common/types.h"

#define CPU_MASK_BYTES	 128 /* 1,024 CPUs */
#define CPU_MASK_UNKNOWN (~0U)

struct cpu_mask {
	u32 bytes; /* as the host's sched_getaffinity(2) returned; 0: as at the start; or UNKNOWN */
	u64 mask[CPU_MASK_BYTES / sizeof(u64)];
};

#endif
