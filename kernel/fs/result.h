/* SPDX-License-Identifier: MIT */
/* What the result of a hostcall becomes as a system call's: only EINTR is special. */
#ifndef KERNEL_FS_RESULT_H
#define KERNEL_FS_RESULT_H

#include "common/types.h"
#include "kernel/kernel.h"

/* For calls that never fail with EINTR on Linux: a kick only makes them start anew. */
static inline s64 fs_nointr(s64 result)
{
	return result == -EINTR ? -ERESTARTNOINTR : result;
}

/* For calls that wait: signal(7) says which ones SA_RESTART restarts. */
static inline s64 fs_restart(s64 result)
{
	return result == -EINTR ? -ERESTARTSYS : result;
}

#endif
