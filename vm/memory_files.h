/* SPDX-License-Identifier: MIT */
/*
 * Files that are memory of the host (memfds, tmpfs, hugetlbfs), counted against --mem together with
 * the guest's RAM. Without --mem nothing is counted.
 *
 * A file counts with its size, from the size on that it had when the sandbox first saw it: the
 * guest can fill it through a window without a hostcall. It counts until its last name, handle and
 * window are gone; a file whose name is left stays counted.
 */
#ifndef VM_MEMORY_FILES_H
#define VM_MEMORY_FILES_H

#include <sys/stat.h>
#include "vm/vm.h"

/* Counts from now on. Before the first handle. */
void memory_files_init(struct sandbox *s);

/* A descriptor became a handle; its last reference goes, and it is closed next. */
void memory_files_opened(int fd);
void memory_files_closing(int fd);

/* A window of the file was made, or went; fd is a descriptor of the file, or -1. */
void memory_files_mapped(dev_t dev, ino_t ino);
void memory_files_unmapped(dev_t dev, ino_t ino, int fd);

/* The file that fd names may have end bytes. 0, or -ENOSPC: beyond --mem. */
s64 memory_files_reserve(int fd, u64 end);
/*
 * The same for a write of len bytes at this offset, or at the file's position (-1), or at its end:
 * append, or O_APPEND.
 */
s64 memory_files_reserve_write(int fd, u64 offset, u64 len, bool append);

/* A name of the file may have been its last: st is the file's, after that. */
void memory_files_unlinked(const struct stat *st);
/* Is anything counted? If not, names need no look. */
bool memory_files_count(void);

#endif
