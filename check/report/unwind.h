/* SPDX-License-Identifier: MIT */
/* The stack of an access, from registers and stack memory. */
#ifndef REPORT_UNWIND_H
#define REPORT_UNWIND_H

#include "check/report/input.h"
#include "check/report/symbols.h"

#define REPORT_UNWIND_MAX 20000 /* frames: recursion is shown by its length */

/*
 * Writes at most max pcs, innermost first, to pc: the first is RIP itself, the others are return
 * addresses. Returns their number, 0 without registers. CFI of the files decides; the frame pointer
 * where there is none (elfutils does that). One stack per symbols object and call; a second call
 * replaces the first's registers.
 */
u32 report_unwind(struct report_symbols *s, const struct report_maps *maps,
		  const struct report_input *in, u64 *pc, u32 max);

#endif
