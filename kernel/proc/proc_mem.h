/* SPDX-License-Identifier: MIT */
/* /proc/PID/mem: the memory of a process as a file. */
#ifndef KERNEL_PROC_MEM_H
#define KERNEL_PROC_MEM_H

#include "common/types.h"

struct io_request;
struct process;

/* The number of p's address space for the calls below; *err is -EACCES or -ESRCH. task_lock held.
 */
u64 proc_mem_open(const struct process *p, int *err);
/*
 * read(2) and write(2) of the file whose position is *pos: bytes, 0 once the address space is gone
 * (the process ended, or made another one by execve(2)), or -errno.
 */
s64 proc_mem_transfer(u64 id, u64 *pos, struct io_request *rq);

#endif
