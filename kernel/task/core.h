/* SPDX-License-Identifier: MIT */
/* ELF cores, for debuggers: core(5). */
#ifndef KERNEL_TASK_CORE_H
#define KERNEL_TASK_CORE_H

#include <asm/siginfo.h>
#include "common/types.h"

/*
 * Writes a core of the running process to the file that boot_info.core_pattern names, and tells the
 * user. info: the reason. Freezes the other threads meanwhile. No lock is held.
 */
void core_write(const siginfo_t *info);

/* The values for the specifiers of a pattern. */
struct core_names {
	s32 pid;
	const char *comm;
	u64 time; /* in seconds since 1970 */
};

/*
 * Expands a pattern into to, which has size bytes: core(5), "Naming of core dump files". Knows %p,
 * %e, %t and %%; other specifiers are left out, and slashes of the command become '!'. Returns 0,
 * or -ENAMETOOLONG if the name does not fit or is empty.
 */
int core_name(char *to, u64 size, const char *pattern, const struct core_names *names);

#endif
