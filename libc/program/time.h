/* SPDX-License-Identifier: MIT */
/* clock_gettime(2) as a system call: freestanding programs do not use the vDSO. */
#ifndef LIBC_PROGRAM_TIME_H
#define LIBC_PROGRAM_TIME_H

#include <linux/time.h>

int clock_gettime(int clock, struct timespec *now);

#endif
