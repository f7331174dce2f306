/* SPDX-License-Identifier: MIT */
/* execve: a program file becomes the content of an address space. */
#ifndef KERNEL_EXEC_H
#define KERNEL_EXEC_H

#include "common/types.h"

/* NUL-terminated strings one after another; a string lies in one chunk as a whole. */
struct exec_chunk {
	const char *data;
	u64 size; /* of all strings, with their NULs */
};

/*
 * Argument and environment strings on their way: argc strings, then envc strings. In chunks,
 * because they may be larger than what kmalloc gives.
 */
#define EXEC_CHUNKS 64
struct exec_args {
	struct exec_chunk chunk[EXEC_CHUNKS];
	u32 chunks;
	u32 argc, envc;
};

/* Why a program cannot be run, for the monitor's message: complete but for the program's name. */
struct exec_error {
	u32 status; /* enum exit_status */
	char text[512];
};

/*
 * Replaces the running process's program by the file at path as execveat(2) does; flags are AT_*.
 * All is prepared in a new address space first: on failure the old program is untouched, the
 * result is -errno and *why is filled in. On success the thread's trap frame is that of the new
 * program's first instruction, and the result is 0. args stay the caller's.
 */
int exec_program(s32 dirfd, const char *path, int flags, const struct exec_args *args,
		 struct exec_error *why);

#endif
