/* SPDX-License-Identifier: MIT */
/*
 * Text: what programs and libraries never write, kept in RAM and shared by all processes.
 *
 * A window shows the host's page cache, page by page: under shadow paging each page of it is an
 * exit of its own in every process. A copy in RAM is filled by one hostcall for 2 MiB, is mapped
 * by one entry where addresses allow, and is there for the next process that runs the program.
 *
 * Only mappings that say what they are (MAP_DENYWRITE: exec's own and the dynamic linker's) and
 * cannot be written get it, of files that have not changed lately. mmap(2) leaves open whether such
 * a mapping shows a change of the file; one that is made after a change has the new bytes.
 */
#ifndef KERNEL_MM_TEXT_H
#define KERNEL_MM_TEXT_H

#include "common/types.h"

struct vma;

/* Pages of this VMA may come from here. Its mm is locked. */
bool text_fits(const struct vma *v);

/*
 * Frames, one after another from *gpa on, with the bytes of v's file from offset (page-aligned,
 * inside the file) on: as many as there are, at most `most` and none beyond the next multiple of
 * 2 MiB of the file. The caller gets a reference to each. 0: another way, please. Where offset is a
 * multiple of 2 MiB and 512 pages are returned *gpa is one, too.
 */
u64 text_take(const struct vma *v, u64 offset, u64 most, u64 *gpa);

/* Lets go of what no process has mapped. False: there was nothing. */
bool text_shrink(void);

#endif
