/* SPDX-License-Identifier: MIT */
/*
 * The work on a report that reads files of the guest's: names, lines, unwinding, decoding. It is
 * done in a worker process, and its result goes to the reporter as bytes. Since the worker may have
 * been taken over by what it read, the reporter trusts these bytes no more than it trusts the
 * guest.
 */
#ifndef REPORT_ANALYSIS_H
#define REPORT_ANALYSIS_H

#include <stdio.h>
#include "check/report/finding.h"
#include "check/report/input.h"

struct report_analysis_options {
	u32 depth;   /* most frames of a stack that are shown, without inlined ones */
	bool source; /* excerpts of source files */
};

#define REPORT_ANALYSIS_MAX (8UL << 20) /* bytes */

/* Writes what there is to say about in. Keeps the files of the last report open for the next. */
void report_analyse(const struct report_input *in, const struct report_analysis_options *opt,
		    FILE *out);

/* The same without reading any file: modules and offsets only. For when the worker failed. */
void report_analyse_plainly(const struct report_input *in,
			    const struct report_analysis_options *opt, FILE *out);

/*
 * Takes over bytes (malloc'ed) and fills in a. 0, or -EINVAL or -ENOMEM: then the bytes are freed
 * and a is empty.
 */
int report_analysis_parse(struct report_analysis *a, char *bytes, size_t len);
void report_analysis_free(struct report_analysis *a);

/*
 * Finds where a stack repeats itself (recursion): of count pcs, writes those that are shown to
 * index and how many are left out behind each to elided (arrays of most elements). Returns the
 * number shown.
 */
u32 report_collapse(const u64 *pc, u32 count, u32 *index, u32 *elided, u32 most);

#endif
