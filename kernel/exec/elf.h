/* SPDX-License-Identifier: MIT */
/*
 * Parses the headers of ELF files into the segments that have to be mapped. Pure logic without I/O,
 * so it is tested and fuzzed on the host. The bytes come from a program that may be hostile.
 *
 * Segments may overlap: a later one is mapped over an earlier one.
 *
 * The caller passes the start of the file to elf_read_header, and then the program header table,
 * which the header describes, to elf_read_segments. It maps only an image that both accepted. For
 * what elf(5) leaves open, the rules are those of Linux's fs/binfmt_elf.c.
 */
#ifndef KERNEL_EXEC_ELF_H
#define KERNEL_EXEC_ELF_H

#include "common/types.h"

/* Most bytes of a program header table, as on Linux. */
#define ELF_TABLE_MAX 65536

/* A PT_LOAD that is not empty. Addresses are those in the file, without the load bias. */
struct elf_segment {
	u64 vaddr, memsz;   /* memsz > 0; vaddr + memsz <= USER_TOP */
	u64 offset, filesz; /* filesz <= memsz; page offsets of offset and vaddr agree if filesz */
	u32 prot;	    /* PROT_* */
};

struct elf_image {
	/* Set by elf_read_header. */
	bool fixed; /* ET_EXEC: the bias is 0 */
	u64 entry;
	u64 table_offset; /* offset of the program header table in the file */
	u32 table_size;	  /* its bytes, 1 .. ELF_TABLE_MAX */
	u32 headers;	  /* its entries */

	/* Set by elf_read_segments. */
	struct elf_segment *segment; /* the caller's array, in the file's order */
	u32 segments;
	u64 start, end; /* page-aligned span of all segments, end <= USER_TOP */
	u64 align;	/* alignment of .start unless .fixed: a power of two, at least a page */
	u64 phdr;	/* address of the program header table, 0: not loaded */
	u64 code_start, code_end, data_start, data_end; /* for /proc/PID/stat */
	bool exec_stack;
	bool interp; /* has a PT_INTERP of .interp_len bytes with the NUL, 2 .. PATH_MAX */
	u64 interp_offset;
	u32 interp_len;
};

/* The reason why a file was refused. text is the message without the file's name. */
struct elf_error {
	u32 status; /* enum exit_status */
	const char *text;
	bool late; /* as in struct exec_error */
};

/*
 * Checks the ELF header. head: the first len bytes of the file (a page or the whole file).
 * file_size: the size of the file. Returns 0, or -ENOEXEC with *why.
 */
int elf_read_header(struct elf_image *image, const void *head, u64 len, u64 file_size,
		    struct elf_error *why);

/*
 * Checks the program headers and fills in segment. table: image->table_size bytes of any alignment.
 * segment: space for image->headers entries, which has to stay as long as *image. Returns 0, or
 * -ENOEXEC with *why.
 */
int elf_read_segments(struct elf_image *image, const void *table, struct elf_segment *segment,
		      struct elf_error *why);

#endif
