/* SPDX-License-Identifier: MIT */
/* Mappings of open files: the backings (mm/backing.h) that show them. */
#ifndef KERNEL_FS_MAPPING_H
#define KERNEL_FS_MAPPING_H

#include "common/types.h"
#include "kernel/mm/backing.h"

struct ofile;

/* An open file as what mmap(2) is to map. The caller holds the file. */
struct file_source {
	struct vm_source source;
	struct ofile *file;
};
struct file_source file_source(struct ofile *file);

/* mm_map() of a file, which the caller holds. */
s64 file_map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, struct ofile *file, u64 offset);

/* The open file that v shows, or NULL. v keeps it. */
struct ofile *vma_file(const struct vma *v);

/* mm's process truncated the file: its mappings of what the file lost go. Takes mm.lock. */
void file_truncated(struct mm *mm, const struct ofile *file);

#endif
