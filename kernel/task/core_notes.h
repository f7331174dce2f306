/* SPDX-License-Identifier: MIT */
/*
 * The notes of a core: what a debugger learns beside the memory. Their layouts are those of Linux
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
 * All notes of the running process, which is frozen. Where memory gets short, the last threads are
 * left out. 0, or -ENOMEM: not even the running thread's; data is to be freed in either case.
 */
int core_notes_make(struct core_notes *n, const siginfo_t *info);

#endif
