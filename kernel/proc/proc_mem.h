/* SPDX-License-Identifier: MIT */
/* /proc/PID/mem and /proc/PID/pagemap: the memory of a process as a file, and its pages. */
#ifndef KERNEL_PROC_MEM_H
#define KERNEL_PROC_MEM_H

#include "common/types.h"

struct io_request;
struct mm;
struct process;

/*
 * Returns the number of p's address space for proc_mem_transfer, and 0 in *err. On failure returns
 * 0 with -EACCES or -ESRCH in *err. task_lock is held.
 */
u64 proc_mem_open(const struct process *p, int *err);
/*
 * read(2) or write(2) of a file mem for address space id, with *pos as the file's position. Returns
 * bytes, or -errno; 0 if the address space is gone because the process ended or called execve(2).
 * Takes task_lock.
 */
s64 proc_mem_transfer(u64 id, u64 *pos, struct io_request *rq);
/* The same for a file pagemap. */
s64 proc_pagemap_transfer(u64 id, u64 *pos, struct io_request *rq);

/* Returns a reference to the address space with this number; NULL: it is gone. Takes task_lock. */
struct mm *proc_mem_find(u64 id);

#endif
