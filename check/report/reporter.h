/* SPDX-License-Identifier: MIT */
/*
 * The reporter without its process: reports in, outputs out. What tests and the fuzzer drive.
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
	FILE *text, *json, *sarif, *html; /* NULL: not asked for; text is always there */
	bool color;
	struct report_run run;
	/* How an analysis is got; report_worker_ask but in tests. */
	char *(*ask)(const void *blob, size_t len, const struct report_analysis_options *opt,
		     size_t *answer_len);
};

/* A report as it came, 8-aligned, changed. What is no report is counted and told as far as
 * possible. */
enum check_verdict reporter_report(struct reporter *r, void *blob, size_t len);

/* A struct check_summary; others are ignored. */
void reporter_summary(struct reporter *r, const void *bytes, size_t len);

/* Writes what is written at the end. No report comes after it. */
void reporter_end(struct reporter *r);

#endif
