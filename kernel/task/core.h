/* SPDX-License-Identifier: MIT */
/* ELF cores, for debuggers: core(5). */
#ifndef KERNEL_TASK_CORE_H
#define KERNEL_TASK_CORE_H

#include <asm/siginfo.h>
#include "common/types.h"

/*
 * Writes a core of the running process to the file that boot_info.core_pattern names, and tells
 * the user. info: why. The other threads sleep meanwhile. No lock is held.
 */
void core_write(const siginfo_t *info);

/* What a pattern's specifiers stand for. */
struct core_names {
	s32 pid;
	const char *comm;
	u64 time; /* seconds since 1970 */
};

/*
 * core(5), "Naming of core dump files": %p, %e, %t and %%; others are left out, slashes of the
 * command become '!'. 0, or -ENAMETOOLONG: size bytes do not hold it.
 */
int core_name(char *to, u64 size, const char *pattern, const struct core_names *names);

#endif
