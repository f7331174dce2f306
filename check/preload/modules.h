/* SPDX-License-Identifier: MIT */
/* The program's modules. The kernel is asked for each once; the answers are kept. No locks. */
#ifndef CHECK_PRELOAD_MODULES_H
#define CHECK_PRELOAD_MODULES_H

#include "check/abi/call.h"
#include "common/types.h"

/* Finds the module of pc. 0; -ENOENT: no ELF file has pc; another error: pc is not executable. */
s64 modules_find(u64 pc, struct chk_module *m);
/* The same, only among the modules that the kernel was asked for before. */
bool modules_known(u64 pc, struct chk_module *m);
/* Returns true if m is the heap library. */
bool modules_is_own(const struct chk_module *m);
/* Forgets all modules. */
void modules_forget(void);

#endif
