/* SPDX-License-Identifier: MIT */
/*
 * The worker: a child of the reporter that reads the guest's ELF files (check/report/analyse.c). It
 * may crash, hang or be taken over; then the reporter makes another one for the next report.
 */
#ifndef REPORT_WORKER_H
#define REPORT_WORKER_H

#include "check/report/analysis.h"

#define REPORT_WORKER_SECONDS 30 /* an analysis that takes longer is given up */

/*
 * The analysis of a report of len bytes (as it came; the worker checks it for itself). Returns
 * malloc'ed bytes and their number, or NULL: the worker died, hung or answered nonsense.
 */
char *report_worker_ask(const void *blob, size_t len, const struct report_analysis_options *opt,
			size_t *answer_len);

/* Ends the worker, if there is one. */
void report_worker_end(void);

#endif
