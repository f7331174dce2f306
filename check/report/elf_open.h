/* SPDX-License-Identifier: MIT */
/*
 * What elfutils gets when it opens a file. The linker takes __wrap_open for open(2) in the whole
 * reporter (--wrap): units of packages (dwp.h) and expanded copies (zstd.h) are opened like files.
 */
#ifndef REPORT_ELF_OPEN_H
#define REPORT_ELF_OPEN_H

#include "common/types.h"

/* While this is set, files are opened as they are. */
extern bool elf_open_plainly;

#endif
