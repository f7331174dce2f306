// SPDX-License-Identifier: MIT
/*
 * Hands the heap library of `buffervm check`, which is embedded in the monitor, to the guest
 * kernel.
 */
#include <errno.h>
#include "vm/embedded.h"
#include "vm/hostcall.h"

extern const u8 heap_library_start[], heap_library_end[];

s64 hc_do_check_library(struct call *c, u64 none_)
{
	(void)none_;
	if (!(c->s->opt.check.flags & CHECK_ON))
		return -ENOENT;
	return embedded_file("heap.so", heap_library_start, heap_library_end);
}
