// SPDX-License-Identifier: MIT
/*
 * Can a program with a hostile symbol table harm the kernel that looks for malloc in it? The input
 * is the file. What is found must keep the promises of symbols.h.
 * sources: kernel/check/symbols.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/layout.h"
#include "kernel/check/symbols.h"

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *file, size_t size);

struct input {
	const u8 *file;
	size_t size;
};

static int read_input(void *arg, void *to, u64 len, u64 offset)
{
	const struct input *in = arg;

	HOLDS(len <= SYMBOL_BUFFER);
	if (offset > in->size || len > in->size - offset)
		return -EIO;
	memcpy(to, in->file + offset, len);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *file, size_t size)
{
	struct symbol wanted[] = {{.name = "malloc"},
				  {.name = "free"},
				  {.name = "f"},
				  {.name = "_ZdlPvmSt11align_val_t"}};
	struct input in = {file, size};
	struct symbol_file f = {read_input, &in, size};
	struct symbol *out = malloc(8 * sizeof(*out));
	void *buffer = malloc(SYMBOL_BUFFER);
	int n = symbols_find(&f, wanted, ARRAY_SIZE(wanted), buffer);

	HOLDS(n <= 0);
	for (u32 i = 0; n == 0 && i < ARRAY_SIZE(wanted); i++)
		HOLDS(wanted[i].state != SYMBOL_FUNCTION || wanted[i].space > 0);
	n = symbols_exported(&f, out, 8);
	HOLDS(n <= 8);
	for (int i = 0; i < n; i++) {
		HOLDS(out[i].name[0] != '\0' && memchr(out[i].name, '\0', sizeof(out[i].name)));
		HOLDS(out[i].state == SYMBOL_FUNCTION);
	}
	free(buffer);
	free(out);
	return 0;
}
