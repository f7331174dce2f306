/* SPDX-License-Identifier: MIT */
/*
 * Includes the headers about processes and threads. A file includes the ones that it uses instead,
 * where it can.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include "kernel/fs/fs_info.h"
#include "kernel/task/creds.h"
#include "kernel/task/exit.h"
#include "kernel/task/futex.h"
#include "kernel/task/process.h"
#include "kernel/task/sigset.h"
#include "kernel/task/stop.h"
#include "kernel/task/thread.h"
#include "kernel/task/timer.h"
#include "kernel/task/usage.h"

#endif
