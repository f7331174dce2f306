/* SPDX-License-Identifier: MIT */
/*
 * Access to the memory of another process: process_vm_readv(2), /proc/PID/mem, PTRACE_PEEKDATA and
 * similar calls. Unlike for mm/uaccess.h, the address space need not be the running one.
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
 * copied: fewer than len if a page is missing or does not allow the access. The caller holds a
 * reference to mm. It holds neither task_lock nor an mm.lock, because the copy may wait for RAM.
 */
u64 mm_remote_copy(struct mm *mm, u64 addr, void *buf, u64 len, u32 how);

#endif
