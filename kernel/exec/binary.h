/* SPDX-License-Identifier: MIT */
/*
 * A program file or its interpreter on the way into an address space: opened, checked, mapped. At
 * each step a failure is noted in .why for the user, and the -errno returned for the program.
 */
#ifndef KERNEL_EXEC_BINARY_H
#define KERNEL_EXEC_BINARY_H

#include "common/types.h"
#include "kernel/exec/elf.h"
#include "kernel/exec/exec.h"

struct mm;
struct ofile;

struct binary {
	/* Set before binary_open. */
	struct exec_error *why;
	const char *name; /* NULL: the program itself; else the interpreter of a file or script */
	int bad_format;	  /* errno for an ELF file that is no good: ENOEXEC or ELIBBAD */

	/* binary_open */
	struct ofile *file;
	u64 file_size;
	u8 *head; /* first head_len bytes: a page or the whole file */
	u64 head_len;
	u32 set_uid, set_gid; /* owner and group that its set-ID bits give; (u32)-1: none */

	/* binary_check */
	u8 *table;
	struct elf_segment *segment;
	struct elf_image image;

	/* binary_map */
	u64 bias;
};

/* Notes why it fails (text: without a file name). Returns -error. */
int binary_fail(const struct binary *b, int error, u32 status, const char *text);
/* The same for a failure of the host or of memory, as an errno says it. */
int binary_fail_errno(const struct binary *b, int error);

/*
 * Opens a file that is to be executed: a regular one, with permission. dirfd and path as for
 * file_open, flags AT_SYMLINK_NOFOLLOW or 0.
 */
int binary_open(struct binary *b, s32 dirfd, const char *path, int flags);

/* A regular file that is open already, or NULL for one that could not be; takes the reference. */
int binary_adopt(struct binary *b, struct ofile *file);

/* All of [offset, offset + len) of the file; -EIO where it has less. Notes nothing. */
int binary_read(const struct binary *b, void *to, u64 len, u64 offset);

/* Reads and checks the ELF headers. */
int binary_check(struct binary *b);

/*
 * Maps its segments. A file that does not say where goes to at, or where there is room below
 * mm->mmap_top if at is 0. mm may be left with a part of it.
 */
int binary_map(struct binary *b, struct mm *mm, u64 at);

/* Frees what the steps made, and forgets all but .why and .bad_format. */
void binary_close(struct binary *b);

#endif
