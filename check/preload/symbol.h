/* SPDX-License-Identifier: MIT */
/* The program and its libraries, as ld.so lists them, and the functions that each defines. */
#ifndef CHECK_PRELOAD_SYMBOL_H
#define CHECK_PRELOAD_SYMBOL_H

#include <elf.h>
#include "common/types.h"

struct link_map { /* the part of link.h's struct that debuggers rely on */
	u64 bias;
	const char *name;
	const Elf64_Dyn *dynamic;
	struct link_map *next, *prev;
};

/* Returns the program, the head of the list; NULL in a static program. */
const struct link_map *symbol_modules(void);
/* Returns the function of this name that m defines, and its size; NULL: m has none. */
void *symbol_in(const struct link_map *m, const char *name, u64 *size);

#endif
