/* SPDX-License-Identifier: MIT */
/*
 * Functions of an ELF file, found by name in its symbol tables. Pure logic over a function that
 * reads the file, tested and fuzzed on the host: the file may be hostile. Nothing is held in memory
 * but a buffer and the candidates, however large the tables are.
 */
#ifndef KERNEL_CHECK_SYMBOLS_H
#define KERNEL_CHECK_SYMBOLS_H

#include "common/types.h"

struct symbol_file {
	/* All of [offset, offset + len), at most SYMBOL_BUFFER: 0 or -errno. */
	int (*read)(void *arg, void *to, u64 len, u64 offset);
	void *arg;
	u64 size;
};

enum symbol_state {
	SYMBOL_MISSING,
	SYMBOL_FUNCTION,
	SYMBOL_ODD, /* defined, but not as one function: indirect, an object, absolute, several */
};

#define SYMBOL_NAME_MAX 64

struct symbol {
	char name[SYMBOL_NAME_MAX]; /* IN for symbols_find */
	u32 len;		    /* of the name; symbols.c's, as .local is */
	bool local;
	u32 state; /* enum symbol_state */
	u64 value; /* address as the file has it */
	u64 space; /* bytes from there up to the next symbol's address, or more if there is none */
};

#define SYMBOL_BUFFER (256UL << 10) /* bytes, of the caller's */

/*
 * Looks for count names, none of them empty, among the symbols of .symtab, global ones first.
 * buffer: SYMBOL_BUFFER bytes. 0: .state of each says whether it was found. -ENOENT: the file has
 * no such table. -ENOEXEC: a corrupt one. Or read's error.
 */
int symbols_find(const struct symbol_file *f, struct symbol *wanted, u32 count, void *buffer);

/*
 * The functions that a shared object offers (.dynsym): their number, at most max; or as above.
 * Names that are too long are left out. Their .space is not filled in.
 */
int symbols_exported(const struct symbol_file *f, struct symbol *out, u32 max);

#endif
