/* SPDX-License-Identifier: MIT */
/* execve: a program file becomes the content of an address space. */
#ifndef KERNEL_EXEC_H
#define KERNEL_EXEC_H

#include "common/types.h"

struct ofile;

/* NUL-terminated strings, one after another. No string lies in two chunks. */
struct exec_chunk {
	const char *data;
	u64 size; /* of all strings, with their NULs */
};

/*
 * The strings for a new program: argc arguments, then envc environment strings. They are in chunks,
 * because together they may be larger than what kmalloc gives.
 */
#define EXEC_CHUNKS 64
struct exec_args {
	struct exec_chunk chunk[EXEC_CHUNKS];
	u32 chunks;
	u32 argc, envc;
	struct ofile
		*program; /* NULL: path is opened. Else this is the program, and path its name */
};

/* The reason why a program cannot be run, for the monitor's message, without the program's name. */
struct exec_error {
	u32 status; /* enum exit_status */
	char text[512];
	/* Linux finds it when the old program is already gone: execve(2) ends in a SIGSEGV. */
	bool late;
};

/*
 * Replaces the running process's program by the file at path, as execveat(2) does; flags are AT_*.
 * The new program is prepared in a new address space first. On failure the result is -errno, and
 * the running thread goes on in the old program; if the failure is a late one, the process's other
 * threads have ended. *why then has the reason, except for -EAGAIN (RLIMIT_NPROC). On success the
 * result is 0, and the thread's trap frame is that of the new program's first instruction. args
 * stay the caller's. The caller holds no lock.
 */
int exec_program(s32 dirfd, const char *path, int flags, const struct exec_args *args,
		 struct exec_error *why);

#endif
