/* SPDX-License-Identifier: MIT */
/*
 * The analysis of a report: names, lines, unwinding, decoding. It reads files of the guest, so a
 * worker process makes it and sends its result to the reporter as bytes. A file may have taken over
 * the worker, so the reporter trusts these bytes no more than it trusts the guest.
 */
#ifndef REPORT_ANALYSIS_H
#define REPORT_ANALYSIS_H

#include <stdio.h>
#include "check/report/finding.h"
#include "check/report/input.h"

struct report_analysis_options {
	u32 depth;   /* most frames of a stack that are shown; inlined ones are not counted */
	bool source; /* add excerpts of source files */
};

#define REPORT_ANALYSIS_MAX (8UL << 20) /* bytes */

/* Writes the analysis of in. Keeps the files of a report open for the next one. */
void report_analyse(const struct report_input *in, const struct report_analysis_options *opt,
		    FILE *out);

/* Writes an analysis with modules and offsets only, without reading files: if the worker failed. */
void report_analyse_plainly(const struct report_input *in,
			    const struct report_analysis_options *opt, FILE *out);

/*
 * Takes over bytes (malloc'ed) and fills in a. Returns 0, -EINVAL or -ENOMEM. After an error the
 * bytes are freed and a is empty.
 */
int report_analysis_parse(struct report_analysis *a, char *bytes, size_t len);
void report_analysis_free(struct report_analysis *a);

/*
 * Chooses the frames that are shown of a stack of count pcs, and leaves out repetitions
 * (recursion). index[i] is the number of the i-th frame shown, elided[i] how many frames are left
 * out behind it; both arrays have most elements. Returns the number of frames shown.
 */
u32 report_collapse(const u64 *pc, u32 count, u32 *index, u32 *elided, u32 most);

#endif
