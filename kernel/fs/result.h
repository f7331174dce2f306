/* SPDX-License-Identifier: MIT */
/* Turns the result of a hostcall into that of a system call. Only -EINTR changes. */
#ifndef KERNEL_FS_RESULT_H
#define KERNEL_FS_RESULT_H

#include "common/types.h"
#include "kernel/kernel.h"

/* For calls that never fail with EINTR on Linux: a kick restarts them. */
static inline s64 fs_nointr(s64 result)
{
	return result == -EINTR ? -ERESTARTNOINTR : result;
}

/* For calls that wait and that SA_RESTART restarts: signal(7) lists them. */
static inline s64 fs_restart(s64 result)
{
	return result == -EINTR ? -ERESTARTSYS : result;
}

#endif
