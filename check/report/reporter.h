/* SPDX-License-Identifier: MIT */
/*
 * The reporter's logic, without its process: it takes reports and writes outputs. main.c, tests and
 * the fuzzer call it.
 */
#ifndef REPORT_REPORTER_H
#define REPORT_REPORTER_H

#include "check/report/analysis.h"
#include "check/report/outputs.h"
#include "check/report/suppress.h"

struct reporter {
	struct report_options opt;
	struct report_analysis_options analysis;
	struct report_suppressions *suppressions;
	FILE *text, *json, *sarif, *html, *xml; /* NULL: not asked for; text is never NULL */
	bool color;
	struct report_run run;
	/* Makes an analysis: report_worker_ask, or a test's own function. */
	char *(*ask)(const void *blob, size_t len, const struct report_analysis_options *opt,
		     size_t *answer_len);
};

/*
 * Takes a report of len bytes as the guest sent it, 8-aligned; its content is changed. A malformed
 * report is counted and mentioned in the text.
 */
enum check_verdict reporter_report(struct reporter *r, void *blob, size_t len);

/* Takes a struct check_summary. Anything of another size is ignored. */
void reporter_summary(struct reporter *r, const void *bytes, size_t len);

/* Writes the outputs that are made at the end, and frees all findings. Called last. */
void reporter_end(struct reporter *r);

#endif
