/* SPDX-License-Identifier: MIT */
/*
 * Finds the functions around an address in a unit, by a walk through its DIEs. elfutils's
 * dwarf_getscopes leaves the tree of DIEs for the definition of an inlined function, and gets lost
 * if that is in another unit, as with link-time optimization.
 */
#ifndef REPORT_SCOPES_H
#define REPORT_SCOPES_H

#include <elfutils/libdw.h>
#include "common/types.h"

#define SCOPES_MAX 64 /* functions around one address; more are left out */

struct scopes {
	Dwarf_Die die[SCOPES_MAX]; /* inlined subroutines, innermost first; then the subprogram */
	u32 count;
};

/* Returns whether a function of the unit contains pc; fills in *s then. */
bool scopes_find(Dwarf_Die *unit, u64 pc, struct scopes *s);

#endif
