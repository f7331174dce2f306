/* SPDX-License-Identifier: MIT */
/*
 * Finds the unit of debug information that contains an address. .debug_aranges would be the index,
 * but clang and Rust write none, so the ranges of all units of a module are read, once.
 */
#ifndef REPORT_UNITS_H
#define REPORT_UNITS_H

#include <elfutils/libdwfl.h>
#include "common/types.h"

struct unit_module;

/* Begins as all 0. */
struct units {
	struct unit_module *first;
};

struct unit {
	/*
	 * Its DIE, and that of the skeleton in the program's file, which has the lines. Both are
	 * the same unless the unit was split off into a .dwo file, and this was found.
	 */
	Dwarf_Die die, skeleton;
	bool is_split;
	bool is_lost; /* it was split off, and was not found */
	u64 pc;	      /* the address as the unit has it */
};

/* Finds the unit of the module that contains addr. Returns false if there is none. */
bool units_find(struct units *units, Dwfl_Module *mod, u64 addr, struct unit *u);
void units_free(struct units *units);

/* Returns the directory in which a unit was compiled; NULL: it does not say. */
const char *unit_directory(Dwarf_Die *die);

#endif
