/* SPDX-License-Identifier: MIT */
/*
 * The outputs of the reporter. Each finding is written as text and JSON when it is made. SARIF and
 * the page are written at the end, from the findings that were kept.
 */
#ifndef REPORT_OUTPUTS_H
#define REPORT_OUTPUTS_H

#include <stdio.h>
#include "check/report/finding.h"
#include "check/report/options.h"

#define REPORT_KEPT_MAX 500 /* findings that SARIF and the page show; further ones are counted */

/* The findings and totals of one run of the sandbox. */
struct report_run {
	struct report_finding **finding; /* by number; at most REPORT_KEPT_MAX */
	u32 findings;
	u64 by_kind[CHECK_KINDS]; /* distinct findings, kept or not */
	u64 total;		  /* the sum of .by_kind */
	u64 duplicates, suppressed, refused;
	struct report_lost {
		u64 objects, bytes;
	} direct, indirect, reachable; /* of all leak findings that were not suppressed */
	struct check_summary *process; /* of the first processes that ended */
	u32 processes;
	struct check_summary all; /* sums over all processes, also those not in .process */
	u64 ended;		  /* number of processes that sent a summary */
};

void report_text(FILE *out, const struct report_finding *f, const struct report_options *opt,
		 bool color);
void report_text_summary(FILE *out, const struct report_run *run);

/* Each writes one line. docs/check-json.md describes the fields. */
void report_json(FILE *out, const struct report_finding *f);
void report_json_summary(FILE *out, const struct report_run *run);

void report_sarif(FILE *out, const struct report_run *run);

/* One line, as gcc's diagnostics. */
void report_gcc(FILE *out, const struct report_finding *f);
/* As the log of Valgrind's memcheck. */
void report_valgrind(FILE *out, const struct report_finding *f);
void report_valgrind_summary(FILE *out, const struct report_run *run);
/* Valgrind's XML, protocol 4. program: as the user named it, or NULL. */
void report_xml(FILE *out, const struct report_run *run, const char *program);

void report_html(FILE *out, const struct report_run *run);

#endif
