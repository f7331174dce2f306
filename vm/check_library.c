// SPDX-License-Identifier: MIT
/*
 * Hands the heap library of `buffervm check`, which is embedded in the monitor, to the guest
 * kernel.
 */
#include <linux/memfd.h>
#include <linux/fcntl.h>
#include <errno.h>
#include "vm/handle.h"
#include "vm/hostcall.h"

extern const u8 heap_library_start[], heap_library_end[];

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static s64 fill(u64 fd)
{
	for (const u8 *p = heap_library_start; p < heap_library_end;) {
		s64 n = HOST_CALL(write, fd, (u64)p, (u64)(heap_library_end - p));

		if (n <= 0)
			return n ? n : -EIO;
		p += n;
	}
	return HOST_CALL(fcntl, fd, F_ADD_SEALS, SEALS);
}

s64 hc_do_check_library(struct call *c, u64 none_)
{
	s64 fd, ret;

	(void)none_;
	if (!(c->s->opt.check.flags & CHECK_ON))
		return -ENOENT;
	fd = HOST_CALL(memfd_create, (u64) "heap.so", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fd;
	ret = fill((u64)fd);
	if (ret < 0) {
		HOST_CALL(close, (u64)fd);
		return ret;
	}
	return handle_add((int)fd);
}
