/* SPDX-License-Identifier: MIT */
/* A report as the guest kernel makes it, an analysis as the worker makes it, and a reporter. */
#ifndef TESTS_FAKE_REPORT_H
#define TESTS_FAKE_REPORT_H

#include "check/abi/check.h"
#include "check/report/reporter.h"

/* A use after free by program "prog", with every section. */
struct fake_report {
	struct check_report head;
	u64 access[2], alloc[1], free[1], created[CHECK_THREADS][1];
	struct check_object around[3];
	struct check_sample samples[4];
	struct check_caller callers[2];
	u8 stack[64];
	char maps[256];
};

struct fake_report fake_report(void);

/* The worker's answer to it. The caller frees it. */
char *fake_answer(size_t *len);

struct fake_run {
	struct reporter reporter;
	char *text;
	size_t text_len;
};

/* A reporter whose worker gives fake_answer, and whose suppressions are this text (or NULL). */
struct fake_run *fake_run(const char *suppressions);
/* Frees the reporter. */
void fake_run_end(struct fake_run *run);
/* Ends the reporter, summary included, and checks the whole text. */
void fake_run_end_with(struct fake_run *run, const char *expected);

/* A worker that is dead. */
char *fake_no_worker(const void *blob, size_t len, const struct report_analysis_options *opt,
		     size_t *answer_len);

/* Makes a temporary file with this text. path has 64 bytes. */
void fake_file(char *path, const char *text);

#endif
