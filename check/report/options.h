/* SPDX-License-Identifier: MIT */
/*
 * What the user asked of the reporter of `buffervm check`. Filled in by vm/check_options.c, used by
 * check/report/. Strings are the command line's and stay for the monitor's life; NULL: not asked
 * for.
 */
#ifndef REPORT_OPTIONS_H
#define REPORT_OPTIONS_H

#include "common/types.h"

enum report_color { REPORT_COLOR_AUTO, REPORT_COLOR_ALWAYS, REPORT_COLOR_NEVER };

#define REPORT_SUPPRESSIONS_MAX 16
#define REPORT_DEPTH_DEFAULT	20

struct report_options {
	const char *log_file; /* the text goes there; NULL: the user's stderr */
	const char *json, *sarif, *html;
	const char *suppressions[REPORT_SUPPRESSIONS_MAX]; /* files, in the order given */
	u32 suppressions_count;
	bool gen_suppressions; /* print a ready-made suppression with each report */
	bool registers;	       /* print registers and the instruction */
	bool quiet;	       /* no summary at the end */
	u32 color;	       /* enum report_color; auto: where the text goes to a terminal */
	u32 depth;	       /* frames shown of a stack; 0: REPORT_DEPTH_DEFAULT */
};

#endif
