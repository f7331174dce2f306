/* SPDX-License-Identifier: MIT */
/*
 * Where findings go. Text and JSON are written as they come; SARIF and the page at the end, from
 * all findings.
 */
#ifndef REPORT_OUTPUTS_H
#define REPORT_OUTPUTS_H

#include <stdio.h>
#include "check/report/finding.h"
#include "check/report/options.h"

#define REPORT_KEPT_MAX 500 /* findings that SARIF and the page show; all are counted */

/* A run, as it was seen by the reporter. */
struct report_run {
	struct report_finding **finding; /* by number; at most REPORT_KEPT_MAX */
	u32 findings;
	u64 by_kind[CHECK_KINDS]; /* distinct ones */
	u64 total;		  /* of them */
	u64 duplicates, suppressed, refused;
	struct check_summary *process; /* the first that ended */
	u32 processes;
	struct check_summary all; /* sums, of those that are not in .process, too */
	u64 ended;		  /* processes */
};

void report_text(FILE *out, const struct report_finding *f, const struct report_options *opt,
		 bool color);
void report_text_summary(FILE *out, const struct report_run *run);

/* One line each: docs/check-json.md has the fields. */
void report_json(FILE *out, const struct report_finding *f);
void report_json_summary(FILE *out, const struct report_run *run);

void report_sarif(FILE *out, const struct report_run *run);

void report_html(FILE *out, const struct report_run *run);

#endif
