/* SPDX-License-Identifier: MIT */
/* Unwinds the stack of an access, from registers and stack memory. */
#ifndef REPORT_UNWIND_H
#define REPORT_UNWIND_H

#include "check/report/input.h"
#include "check/report/symbols.h"

#define REPORT_UNWIND_MAX 20000 /* frames, so that reports tell how deep a recursion is */

/*
 * Writes at most max pcs, innermost first, to pc: the first is RIP itself, the others are return
 * addresses. Returns their number, 0 without registers. Frames are found by the files' CFI. Where a
 * function has none, the report's callers are used as far as there are any, else elfutils follows
 * the frame pointer. The state is static: one call at a time.
 */
u32 report_unwind(struct report_symbols *s, const struct report_maps *maps,
		  const struct report_input *in, u64 *pc, u32 max);

#endif
