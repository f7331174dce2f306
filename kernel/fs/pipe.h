/* SPDX-License-Identifier: MIT */
/* Pipes of pipe(2), which the guest kernel keeps: pipe(7). FIFOs are host files. */
#ifndef KERNEL_FS_PIPE_H
#define KERNEL_FS_PIPE_H

#include "common/types.h"

struct ofile;

/*
 * Called for a handle that a message brought. If the handle is an end of one of the kernel's pipes
 * that has moved to the host, returns a new open file of that pipe, which owns the handle. Returns
 * NULL if it is not, or there is no memory; the handle then stays the caller's.
 */
struct ofile *pipe_arrived(s32 handle);

#endif
