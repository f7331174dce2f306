// SPDX-License-Identifier: MIT
/* host_syscall (hostcall.h), in a file of its own so that a test can link another version. */
#include <errno.h>
#include <unistd.h>
#include "vm/hostcall.h"

s64 host_syscall(long nr, const u64 arg[6])
{
	long ret = syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);

	return ret == -1 ? -errno : ret;
}
