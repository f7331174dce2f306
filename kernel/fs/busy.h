/* SPDX-License-Identifier: MIT */
/*
 * ETXTBSY: a program that runs cannot be opened for writing, and a file that is open for writing
 * cannot be executed. The host does not know which files the sandbox executes. The kernel knows
 * regular files that open(2) opened for writing, from the open to the last close, and the programs
 * of all processes; not what processes outside do, nor programs that are opened for writing by a
 * symbolic or hard link with another name.
 */
#ifndef KERNEL_FS_BUSY_H
#define KERNEL_FS_BUSY_H

#include "common/types.h"

struct fs_path;
struct host_file;
struct stat;

/* The file, with this result of stat(2), was opened for writing. Does nothing for other kinds. */
void busy_opened(struct host_file *f, const struct stat *st);
/* The last reference to the file goes. */
void busy_closed(struct host_file *f);
/* Returns true if the file is open for writing. */
bool busy_is_written(u64 dev, u64 ino);
/*
 * Returns -ETXTBSY if the path leads to a program that a process executes, another error if the
 * file may not be written anyway, else 0. The path is not one of the kernel's own. Takes task_lock.
 */
int busy_check(const struct fs_path *p);

#endif
