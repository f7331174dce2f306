/* SPDX-License-Identifier: MIT */
/*
 * Debug information that was split off (-gsplit-dwarf) lies in a .dwo file for each unit, or all of
 * it in one package, PROGRAM.dwp. elfutils before 0.191 does not know packages. When it opens a
 * .dwo file that is not there, dwp_open makes one of the unit's pieces of the package, in a file in
 * memory. The format: DWARF 5, 7.3.5, and its predecessor of gcc for DWARF 4.
 */
#ifndef REPORT_DWP_H
#define REPORT_DWP_H

#include <elfutils/libdwfl.h>
#include "common/types.h"

/* The unit that elfutils is about to look for is the one with this ID, of mod. */
void dwp_expect(Dwfl_Module *mod, u64 id);

/* Returns a descriptor of the expected unit as a .dwo file, or -1 if no package has it. */
int dwp_open(void);

#endif
