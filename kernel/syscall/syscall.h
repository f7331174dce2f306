/* SPDX-License-Identifier: MIT */
/* System calls: how they are defined and traced. */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "kernel/define_syscall.h"
#include "kernel/trace.h"

#endif
