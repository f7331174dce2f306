/* SPDX-License-Identifier: MIT */
/* The modules of the program, as the kernel tells of them; asked for once. No locks. */
#ifndef CHECK_PRELOAD_MODULES_H
#define CHECK_PRELOAD_MODULES_H

#include "check/abi/call.h"
#include "common/types.h"

/* 0; -ENOENT: pc is in no ELF file; another error: it is nothing executable. */
s64 modules_find(u64 pc, struct chk_module *m);
/* The same of what was asked before. */
bool modules_known(u64 pc, struct chk_module *m);
/* It is the heap library. */
bool modules_is_own(const struct chk_module *m);
/* All is to be asked again. */
void modules_forget(void);

#endif
