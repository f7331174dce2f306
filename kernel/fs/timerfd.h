/* SPDX-License-Identifier: MIT */
/* Timers as files: timerfd_create(2). */
#ifndef KERNEL_FS_TIMERFD_H
#define KERNEL_FS_TIMERFD_H

#include "common/types.h"

/*
 * The scheduler calls this when the alarm (park_alarm of kernel/park.h) is over: wakes the threads
 * that wait for timers which are due at `now`, of clock_monotonic_ns. The caller holds no lock.
 */
void timerfds_expire(u64 now);

#endif
