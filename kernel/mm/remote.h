/* SPDX-License-Identifier: MIT */
/*
 * An address space as somebody else touches it: process_vm_readv(2), /proc/PID/mem, PTRACE_PEEKDATA
 * and their kin. Unlike mm/uaccess.h, no vCPU that runs this need have it loaded.
 */
#ifndef KERNEL_MM_REMOTE_H
#define KERNEL_MM_REMOTE_H

#include "common/types.h"

struct mm;

enum mm_remote {
	MM_REMOTE_READ = 0,
	MM_REMOTE_WRITE = 1 << 0,
	/*
	 * A debugger's access: memory without access rights can be read and written, and private
	 * memory that is read-only can be written, in a copy of its own (FOLL_FORCE in Linux's
	 * mm/gup.c). Shared memory is written only where the process itself may.
	 */
	MM_REMOTE_FORCE = 1 << 1,
};

/*
 * Copies len bytes between buf, which is kernel memory, and addr in mm. Returns how many bytes were
 * copied: fewer than len where a page is not there or does not allow it. The caller holds a
 * reference to mm, and neither task_lock nor an mm.lock: the copy may have to wait for RAM.
 */
u64 mm_remote_copy(struct mm *mm, u64 addr, void *buf, u64 len, u32 how);

#endif
