/* SPDX-License-Identifier: MIT */
/*
 * ELF files: from the bytes of the headers to what has to be mapped. Pure logic without I/O, so
 * it is tested and fuzzed on the host; the bytes come from a program that may be hostile.
 *
 * Order: elf_read_header on the start of the file, then elf_read_segments on the program header
 * table that it pointed at. Only an image that both accepted may be mapped. What elf(5) leaves
 * open is decided as Linux's fs/binfmt_elf.c does.
 */
#ifndef KERNEL_EXEC_ELF_H
#define KERNEL_EXEC_ELF_H

#include "common/types.h"

/* Most bytes of a program header table, as Linux. */
#define ELF_TABLE_MAX 65536

/* A PT_LOAD with content. Addresses are the file's: the load bias is not in them. */
struct elf_segment {
	u64 vaddr, memsz;   /* memsz > 0; vaddr + memsz <= USER_TOP */
	u64 offset, filesz; /* filesz <= memsz; page offsets of offset and vaddr agree if filesz */
	u32 prot;	    /* PROT_* */
};

struct elf_image {
	/* elf_read_header */
	bool fixed; /* ET_EXEC: the bias is 0 */
	u64 entry;
	u64 table_offset; /* program header table in the file ... */
	u32 table_size;	  /* ... in bytes, 1 .. ELF_TABLE_MAX */
	u32 headers;	  /* ... in entries */

	/* elf_read_segments */
	struct elf_segment *segment; /* the caller's array, in the file's order; bytes disjoint */
	u32 segments;
	u64 start, end; /* page-aligned span of all segments, end <= USER_TOP */
	u64 align;	/* of .start when the bias is free: a power of two, at least a page */
	u64 phdr;	/* address of the program header table, 0: not loaded */
	u64 code_start, code_end, data_start, data_end; /* as /proc/pid/stat has them */
	bool exec_stack;
	bool interp; /* PT_INTERP: .interp_len bytes with the NUL, 2 .. PATH_MAX */
	u64 interp_offset;
	u32 interp_len;
};

/* Why a file was refused. text is complete but for the file's name. */
struct elf_error {
	u32 status; /* enum exit_status */
	const char *text;
};

/*
 * head: the first len bytes of the file (a page or the whole file), file_size its size. 0, or
 * -ENOEXEC with *why.
 */
int elf_read_header(struct elf_image *image, const void *head, u64 len, u64 file_size,
		    struct elf_error *why);

/*
 * table: image->table_size bytes, any alignment; segment: room for image->headers entries.
 * 0, or -ENOEXEC with *why.
 */
int elf_read_segments(struct elf_image *image, const void *table, struct elf_segment *segment,
		      struct elf_error *why);

#endif
