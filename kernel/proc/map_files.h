/* SPDX-License-Identifier: MIT */
/* The links of /proc/PID/map_files: one for each mapping of a file, named by its addresses. */
#ifndef KERNEL_PROC_MAP_FILES_H
#define KERNEL_PROC_MAP_FILES_H

#include "common/hostcall.h"
#include "common/types.h"

struct process;

struct map_file {
	u64 start, end;
	u32 prot; /* PROT_READ, and PROT_WRITE if the mapping may be given it and writes the file */
	char name[HOSTCALL_PATH_MAX]; /* the file, as /proc/PID/maps shows it */
};

/*
 * Finds the process's first mapping of a file that begins at addr or above. Returns 1, 0 if there
 * is none, or -EACCES: only who may trace the process sees its mappings. task_lock is held; takes
 * mm.lock.
 */
s64 map_file_next(const struct process *p, u64 addr, struct map_file *m);

/* Reads a name of map_files, START-END. Returns false if it can be none. */
bool map_file_range(const char *name, u64 len, u64 *start, u64 *end);

#endif
