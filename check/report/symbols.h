/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses, with elfutils: in the worker process only, since what is read here are the
 * guest's own ELF files. Not for two threads.
 */
#ifndef REPORT_SYMBOLS_H
#define REPORT_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include "check/report/finding.h"
#include "check/report/maps.h"

struct report_symbols;

/*
 * The files of these mappings, opened as they are asked for. The maps are borrowed until
 * report_symbols_end. NULL: out of memory.
 */
struct report_symbols *report_symbols_begin(const struct report_maps *maps);
void report_symbols_end(struct report_symbols *s);

/* Called for each frame, innermost first. Its strings are valid during the call. */
typedef void report_frame_fn(const struct report_frame *frame, void *arg);

/*
 * The frames of pc: functions inlined there, then the function itself; one frame at least. A return
 * address is looked up one byte before (exact is false).
 */
void report_symbols_lookup(struct report_symbols *s, u64 pc, bool exact, report_frame_fn *fn,
			   void *arg);

/* The build-id of the file of this address, as text; "": none. */
void report_symbols_build_id(struct report_symbols *s, u64 pc, char *build_id, size_t size);

Dwfl *report_symbols_dwfl(struct report_symbols *s);

#endif
