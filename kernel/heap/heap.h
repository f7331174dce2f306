/*
 * The guarded heap of `buffervm check`, as the rest of the kernel sees it. Nothing here is called
 * in a sandbox that does not check: heap_checking() comes first.
 */
#ifndef KERNEL_HEAP_H
#define KERNEL_HEAP_H

#include "common/boot_info.h"
#include "common/types.h"
#include "kernel/kernel.h"

struct syscall_args;

static inline bool heap_checking(void)
{
	return boot->check.flags & CHECK_ON;
}

/* The heap library's system call HEAP_CALL_BASE + op (common/heap_call.h): >= 0 or -errno. */
s64 heap_call(u64 op, const struct syscall_args *args);

#endif
