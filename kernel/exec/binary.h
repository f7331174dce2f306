/* SPDX-License-Identifier: MIT */
/*
 * A binary: a program file or its interpreter, which is opened, checked and mapped. The order is
 * binary_open or binary_adopt, binary_check, binary_map; binary_close at any time. Each step that
 * fails describes the failure in .why for the user, and returns -errno for the program.
 */
#ifndef KERNEL_EXEC_BINARY_H
#define KERNEL_EXEC_BINARY_H

#include "common/types.h"
#include "kernel/exec/elf.h"
#include "kernel/exec/exec.h"

struct mm;
struct ofile;

struct binary {
	/* The caller sets these before binary_open. */
	struct exec_error *why;
	const char *name; /* NULL: the program itself; else the interpreter of a file or script */
	int bad_format;	  /* errno for an invalid ELF file: ENOEXEC or ELIBBAD */

	/* Set by binary_open and binary_adopt. */
	struct ofile *file; /* a reference */
	u64 file_size;
	u8 *head; /* first head_len bytes of the file: a page or the whole file */
	u64 head_len;
	char *path;	      /* the host's name of the file; NULL after binary_adopt */
	u64 dev, ino;	      /* as stat(2) */
	u32 set_uid, set_gid; /* owner and group of the file if its set-ID bits are set, else -1 */

	/* Set by binary_check. */
	u8 *table;
	struct elf_segment *segment;
	struct elf_image image;

	/* Set by binary_map. */
	u64 bias; /* load address minus address in the file */
};

/* Describes a failure in *b->why. text has no file name. Returns -error. */
int binary_fail(const struct binary *b, int error, u32 status, const char *text);
/* The same for an errno of the host or of the kernel. EINTR and ERESTARTSYS become a restart. */
int binary_fail_errno(const struct binary *b, int error);

/*
 * Opens a regular file that the running process may execute. dirfd and path are as for file_open.
 * flags: AT_SYMLINK_NOFOLLOW or 0.
 */
int binary_open(struct binary *b, s32 dirfd, const char *path, int flags);

/* Uses an open regular file, and takes the reference. file NULL: fails with -ENOMEM. */
int binary_adopt(struct binary *b, struct ofile *file);

/*
 * Reads [offset, offset + len) of the file. Returns 0 or -errno; -EIO: the file has less. Does not
 * describe a failure in .why.
 */
int binary_read(const struct binary *b, void *to, u64 len, u64 offset);

/* Reads and checks the ELF headers. */
int binary_check(struct binary *b);

/*
 * Maps the segments. A file that is not ET_EXEC goes to at; if at is 0, to free space below
 * mm->mmap_top. After a failure mm may have a part of the segments. Takes mm->lock.
 */
int binary_map(struct binary *b, struct mm *mm, u64 at);

/* Frees what the steps made, and clears all but .why and .bad_format. */
void binary_close(struct binary *b);

#endif
