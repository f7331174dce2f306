/* SPDX-License-Identifier: MIT */
/* signalfd(2): signals as something to read. */
#ifndef KERNEL_FS_SIGNALFD_H
#define KERNEL_FS_SIGNALFD_H

#include "common/types.h"

/* A signal has become pending, of whichever process: files that wait for it become readable.
 * task_lock held. */
void signalfd_notify(int sig);

#endif
