/* SPDX-License-Identifier: MIT */
/*
 * The notes of a core: what a debugger learns besides the memory. Their layouts are those of Linux
 * (linux/elfcore.h, fs/binfmt_elf.c).
 */
#ifndef KERNEL_TASK_CORE_NOTES_H
#define KERNEL_TASK_CORE_NOTES_H

#include <asm/siginfo.h>
#include "common/types.h"

struct core_notes {
	u8 *data; /* kmalloc'ed */
	u64 len, space;
};

/*
 * Makes all notes of the running process, which is frozen. If memory is short, the last threads are
 * left out. Returns 0, or -ENOMEM if there is not even memory for the running thread. The caller
 * frees n->data in either case.
 */
int core_notes_make(struct core_notes *n, const siginfo_t *info);

#endif
