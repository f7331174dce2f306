// SPDX-License-Identifier: MIT
/* mmap(2): finds the source of the mapping by the descriptor. kernel/mm/ does everything else. */
#include <linux/mman.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mapping.h"
#include "kernel/kernel.h"
#include "kernel/task/process.h"

DEFINE_SYSCALL6(mmap, u64, addr, u64, len, u32, prot, u32, flags, s32, fd, u64, offset)
{
	struct file_source s;
	struct ofile *file;
	s64 ret;

	if (!IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	if (flags & MAP_ANONYMOUS)
		return mm_mmap(current_mm(), addr, len, prot, flags, NULL, offset);
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	s = file_source(file);
	ret = mm_mmap(current_mm(), addr, len, prot, flags, &s.source, offset);
	ofile_put(file);
	return ret;
}
