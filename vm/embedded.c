// SPDX-License-Identifier: MIT
/* See embedded.h. */
#include <linux/memfd.h>
#include <linux/fcntl.h>
#include <errno.h>
#include "vm/embedded.h"
#include "vm/handle.h"
#include "vm/hostcall.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static s64 fill(u64 fd, const u8 *start, const u8 *end)
{
	for (const u8 *p = start; p < end;) {
		s64 n = HOST_CALL(write, fd, (u64)p, (u64)(end - p));

		if (n <= 0)
			return n ? n : -EIO;
		p += n;
	}
	return HOST_CALL(fcntl, fd, F_ADD_SEALS, SEALS);
}

s64 embedded_file(const char *name, const u8 *start, const u8 *end)
{
	s64 fd = HOST_CALL(memfd_create, (u64)name, MFD_CLOEXEC | MFD_ALLOW_SEALING), ret;

	if (fd < 0)
		return fd;
	ret = fill((u64)fd, start, end);
	if (ret < 0) {
		HOST_CALL(close, (u64)fd);
		return ret;
	}
	return handle_add((int)fd);
}
