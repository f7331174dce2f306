/* SPDX-License-Identifier: MIT */
/* signalfd(2): a file from which a program reads its signals. */
#ifndef KERNEL_FS_SIGNALFD_H
#define KERNEL_FS_SIGNALFD_H

#include "common/types.h"

/*
 * Called after the signal has become pending for any process: makes the signalfds with this signal
 * in their masks readable. task_lock is held.
 */
void signalfd_notify(int sig);

#endif
