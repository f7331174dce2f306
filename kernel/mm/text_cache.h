/* SPDX-License-Identifier: MIT */
/*
 * Text copies: read-only pages of programs and libraries, kept in RAM and shared by all processes.
 *
 * A window shows the host's page cache page by page; under shadow paging each page of it costs an
 * exit in every process. One hostcall fills 2 MiB of a text copy, one entry maps them if addresses
 * are aligned, and the next process that runs the program shares them.
 *
 * Text copies are used for private mappings without PROT_WRITE that have MAP_DENYWRITE (execve's
 * and the dynamic linker's), of files that have not changed lately. mmap(2) does not specify
 * whether such a mapping shows later changes of the file. A mapping that is made after a change
 * shows the new bytes.
 */
#ifndef KERNEL_MM_TEXT_CACHE_H
#define KERNEL_MM_TEXT_CACHE_H

#include "common/types.h"

struct vma;

/* Pages of this VMA may come from text copies. mm.lock is held. */
bool text_fits(const struct vma *v);

/*
 * Finds adjacent frames from *gpa on with the bytes of v's file from offset on. offset is
 * page-aligned and inside the file. Returns their number, at most `most`, and none beyond the next
 * multiple of 2 MiB in the file. The caller gets a reference to each frame. If offset is a multiple
 * of 2 MiB and 512 frames are returned, *gpa is a multiple of 2 MiB. Returns 0 if there is no text
 * copy: the caller shows the window. mm.lock is held; may make a hostcall.
 */
u64 text_take(const struct vma *v, u64 offset, u64 most, u64 *gpa);

/*
 * Returns the frame of a text copy that has the page of v's file at offset, page-aligned, with a
 * reference for the caller; 0: no text copy has it now. text_fits(v). Makes no hostcall.
 */
u64 text_peek(const struct vma *v, u64 offset);

/* Frees the text copies that no process has mapped. Returns false if there were none. */
bool text_shrink(void);

#endif
