/* SPDX-License-Identifier: MIT */
/*
 * The worker is a child of the reporter that reads the guest's ELF files (check/report/analyse.c).
 * It may crash, hang or be taken over. After a failure the reporter forks another one for the next
 * report.
 */
#ifndef REPORT_WORKER_H
#define REPORT_WORKER_H

#include "check/report/analysis.h"

#define REPORT_WORKER_SECONDS 30 /* the reporter abandons an analysis that takes longer */

/*
 * Has the worker analyse a report of len bytes, as the guest sent it; the worker checks it itself.
 * A worker keeps the options of the call that started it. Returns malloc'ed bytes and stores their
 * number in *answer_len. Returns NULL if the worker died, hung, or sent too long an answer.
 */
char *report_worker_ask(const void *blob, size_t len, const struct report_analysis_options *opt,
			size_t *answer_len);

/* Ends the worker, if there is one. */
void report_worker_end(void);

#endif
