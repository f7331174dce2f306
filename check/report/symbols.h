/* SPDX-License-Identifier: MIT */
/*
 * Finds names for addresses, with elfutils. Only the worker process calls these functions, because
 * they read the guest's own ELF files. They are not thread-safe.
 */
#ifndef REPORT_SYMBOLS_H
#define REPORT_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include "check/report/finding.h"
#include "check/report/maps.h"

struct report_symbols;

/*
 * Prepares the files of these mappings, each of which is opened at its first lookup. The maps are
 * borrowed until report_symbols_end. Returns NULL without memory.
 */
struct report_symbols *report_symbols_begin(const struct report_maps *maps);
void report_symbols_end(struct report_symbols *s);

/* Called for each frame, innermost first. The frame's strings are valid during the call. */
typedef void report_frame_fn(const struct report_frame *frame, void *arg);

/*
 * Calls fn for the frames of pc: those of functions inlined there, then that of the function
 * itself; for one frame at least. exact is false for a return address, which is looked up one byte
 * before.
 */
void report_symbols_lookup(struct report_symbols *s, u64 pc, bool exact, report_frame_fn *fn,
			   void *arg);

/* Stores the build-id of the file mapped at pc as text, or "" if there is none. */
void report_symbols_build_id(struct report_symbols *s, u64 pc, char *build_id, size_t size);

Dwfl *report_symbols_dwfl(struct report_symbols *s);

#endif
