/* SPDX-License-Identifier: MIT */
/*
 * Files whose content is memory of the host (memfds, tmpfs, ramfs, hugetlbfs), counted against
 * --mem together with the guest's RAM. Nothing is counted without --mem.
 *
 * A file counts with what it has beyond the size at which the sandbox first saw it. Its whole size
 * counts, not only the part that has been written, because the guest can fill the file through a
 * window without a hostcall. A file counts until its last name, handle and window are gone; a file
 * that keeps its name stays counted.
 *
 * All functions but memory_files_init may be called by any thread.
 */
#ifndef VM_MEMORY_FILES_H
#define VM_MEMORY_FILES_H

#include <sys/stat.h>
#include "vm/vm.h"

/* Starts to count. Called before the first handle exists. */
void memory_files_init(struct sandbox *s);

/*
 * memory_files_opened: fd becomes a handle. memory_files_closing: the last reference to the handle
 * is gone, and the caller closes fd next.
 */
void memory_files_opened(int fd);
void memory_files_closing(int fd);

/*
 * A window of the file was made, or is about to be closed. fd is a descriptor of the file, or -1.
 */
void memory_files_mapped(dev_t dev, ino_t ino);
void memory_files_unmapped(dev_t dev, ino_t ino, int fd);

/*
 * Reserves memory for the file of fd to have end bytes. Returns 0, or -ENOSPC if that is beyond
 * --mem.
 */
s64 memory_files_reserve(int fd, u64 end);
/*
 * The same for a write of len bytes at offset, or at the file's position if offset is -1, or at the
 * end of the file if append or the file's O_APPEND is set.
 */
s64 memory_files_reserve_write(int fd, u64 offset, u64 len, bool append);

/* Tells that a name of the file was removed; st is the result of fstat(2) afterwards. */
void memory_files_unlinked(const struct stat *st);
/* Returns whether files are counted. If not, callers need not look up files by name. */
bool memory_files_count(void);

#endif
