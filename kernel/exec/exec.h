/* execve: a program file becomes the content of an address space. */
#ifndef KERNEL_EXEC_H
#define KERNEL_EXEC_H

#include "common/types.h"

/* Argument and environment strings on their way: NUL-terminated one after another. */
struct exec_args {
	char *blob;
	u64 size;	/* bytes used in blob */
	u32 argc, envc; /* argc strings, then envc strings */
};

/* Why a program cannot be run, for the monitor's message; text may stay empty. */
struct exec_error {
	u32 status; /* enum exit_status */
	char text[512];
};

/*
 * Replaces the running process's program. path as given by the user (relative to cwd). On success
 * the thread's trap frame is that of the new program and 0 is returned; on failure before the
 * point of no return -errno with why filled in, and the old program is untouched; after it the
 * process dies by SIGKILL as on Linux.
 */
int exec_program(s32 dirfd, const char *path, const struct exec_args *args, struct exec_error *why);

#endif
