/* SPDX-License-Identifier: MIT */
/*
 * Finds functions of an ELF file by name in its symbol tables. Pure logic over a function that
 * reads the file, tested and fuzzed on the host, because the file may be hostile. The memory that
 * is needed does not depend on the size of the tables: one buffer of the caller's.
 */
#ifndef KERNEL_CHECK_SYMBOLS_H
#define KERNEL_CHECK_SYMBOLS_H

#include "common/types.h"

struct symbol_file {
	/* Reads all of [offset, offset + len); len <= SYMBOL_BUFFER. Returns 0 or -errno. */
	int (*read)(void *arg, void *to, u64 len, u64 offset);
	void *arg;
	u64 size;
};

enum symbol_state {
	SYMBOL_MISSING,
	SYMBOL_FUNCTION,
	SYMBOL_ODD, /* defined, but not as one function: an ifunc, an object, absolute, several */
};

#define SYMBOL_NAME_MAX 64

struct symbol {
	char name[SYMBOL_NAME_MAX]; /* IN for symbols_find */
	u32 len;		    /* of the name; .len and .local are private to symbols.c */
	bool local;
	u32 state; /* enum symbol_state */
	u64 value; /* the address in the file, without load bias */
	u64 space; /* bytes up to the address of the next symbol; UINT64_MAX: there is none */
};

#define SYMBOL_BUFFER (256UL << 10) /* bytes of the buffer that callers provide */

/*
 * Looks for count names, none of them empty, among the symbols of .symtab; a global symbol takes
 * precedence over a local one of the same name. buffer has SYMBOL_BUFFER bytes. Returns 0, and
 * .state of each says whether it was found; -ENOENT: the file has no such table; -ENOEXEC: the
 * table is corrupt, or the names occur too often in it; or read's error.
 */
int symbols_find(const struct symbol_file *f, struct symbol *wanted, u32 count, void *buffer);

/*
 * Lists the functions that a shared object exports (.dynsym). Returns their number, at most max, or
 * an error as symbols_find does. Functions whose names do not fit .name are left out. .space is not
 * computed.
 */
int symbols_exported(const struct symbol_file *f, struct symbol *out, u32 max);

#endif
