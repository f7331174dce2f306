/* SPDX-License-Identifier: MIT */
/* Pipes between the sandbox's processes: pipe(2), pipe(7). FIFOs are the host's. */
#ifndef KERNEL_FS_PIPE_H
#define KERNEL_FS_PIPE_H

#include "common/types.h"

struct ofile;

/*
 * A message brought this handle. If it is an end of a pipe that was made in here and given to the
 * host, returns an open file of that pipe, which owns the handle. NULL: it is not, or there is no
 * memory; the handle stays the caller's.
 */
struct ofile *pipe_arrived(s32 handle);

#endif
