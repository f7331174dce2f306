// SPDX-License-Identifier: MIT
/* mmap(2): finds the source of the mapping by the descriptor. kernel/mm/ does everything else. */
#include <linux/mman.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/mapping.h"
#include "kernel/kernel.h"
#include "kernel/task/process.h"

/* Returns true if glibc's dynamic linker itself makes the running system call, by its address. */
static bool by_dynamic_linker(void)
{
	const struct mm *mm = current_mm();
	u64 rip = thread_frame(current())->rip;

	return rip >= mm->interp_start && rip < mm->interp_end;
}

DEFINE_SYSCALL6(mmap, u64, addr, u64, len, u32, prot, u32, flags, s32, fd, u64, offset)
{
	bool linker = by_dynamic_linker();
	struct file_source s;
	struct ofile *file;
	s64 ret;

	if (!IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	if (flags & MAP_ANONYMOUS)
		return mm_mmap(current_mm(), addr, len, prot, flags, NULL, offset, linker);
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	s = file_source(file);
	ret = mm_mmap(current_mm(), addr, len, prot, flags, &s.source, offset, linker);
	ofile_put(file);
	return ret;
}
