/* SPDX-License-Identifier: MIT */
/* Mappings of open files: the backings (mm/backing.h) that show them. */
#ifndef KERNEL_FS_MAPPING_H
#define KERNEL_FS_MAPPING_H

#include "common/types.h"
#include "kernel/mm/backing.h"

struct ofile;

/* An open file as a source for mm_map. The caller keeps a reference to the file during its use. */
struct file_source {
	struct vm_source source;
	struct ofile *file;
};
struct file_source file_source(struct ofile *file);

/* mm_map() of a file, to which the caller has a reference. */
s64 file_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, struct ofile *file, u64 offset);

/* Returns the open file that v shows, or NULL. The reference stays v's. */
struct ofile *vma_file(const struct vma *v);

/*
 * Called after mm's process has truncated the file: removes the pages that mm maps from behind the
 * file's end. Takes mm->lock.
 */
void file_truncated(struct mm *mm, const struct ofile *file);

#endif
