/* SPDX-License-Identifier: MIT */
/* ELF cores, for debuggers: core(5). */
#ifndef KERNEL_TASK_CORE_H
#define KERNEL_TASK_CORE_H

#include <asm/siginfo.h>
#include "common/types.h"

/*
 * `buffervm check --core`: writes a core of the running process to the file that
 * boot_info.check_core_pattern names, and tells the user. info: the reason. Freezes the other
 * threads meanwhile. No lock is held.
 */
void core_write(const siginfo_t *info);

/*
 * A signal ends the running process: writes a core if the host's core_pattern names a file and the
 * process's limit and rights allow it. Returns true if there is a core. The other threads are
 * frozen then, and stay so: the caller calls process_exit. No lock is held.
 */
bool core_dump(const siginfo_t *info);

/* Longest text of a specifier. */
#define CORE_PATH_MAX 512

/* The values for the specifiers of a pattern. */
struct core_names {
	s32 pid, tid;
	u32 uid, gid, cpu;
	s32 signal;
	u64 time;  /* in seconds since 1970 */
	u64 limit; /* RLIMIT_CORE */
	const char *comm, *host;
	const char *exe; /* path of the program */
	bool dumpable;
	bool uses_pid; /* kernel.core_uses_pid: a name without %p gets the number at its end */
};

/*
 * Expands a pattern into to, which has size bytes: core(5), "Naming of core dump files". Unknown
 * specifiers are left out; slashes in a text become '!'. Returns 0, or -ENAMETOOLONG if the name
 * does not fit or is empty.
 */
int core_name(char *to, u64 size, const char *pattern, const struct core_names *names);

#endif
