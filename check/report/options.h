/* SPDX-License-Identifier: MIT */
/*
 * The user's options for the reporter of `buffervm check`. vm/check_options.c fills them in from
 * the monitor's command line; vm/reporter.c passes them to the reporter as options, which
 * check/report/main.c parses. Strings belong to the command line and stay valid. NULL: not given.
 */
#ifndef REPORT_OPTIONS_H
#define REPORT_OPTIONS_H

#include "common/types.h"

enum report_color { REPORT_COLOR_AUTO, REPORT_COLOR_ALWAYS, REPORT_COLOR_NEVER };

enum report_format {
	REPORT_FORMAT_TEXT,
	REPORT_FORMAT_GCC,	/* one line for each finding, as gcc's diagnostics */
	REPORT_FORMAT_VALGRIND, /* as Valgrind's memcheck, for programs that read its log */
};

/* An output with this before a number is a descriptor that the reporter got from the monitor. */
#define REPORT_DESCRIPTOR	'&'

#define REPORT_SUPPRESSIONS_MAX 16
#define REPORT_DEPTH_DEFAULT	20

struct report_options {
	const char *log_file; /* file for the text; NULL: standard error */
	const char *json, *sarif, *html, *xml;
	const char *program;				   /* as the user named it, for .xml */
	const char *suppressions[REPORT_SUPPRESSIONS_MAX]; /* files, in the order given */
	u32 suppressions_count;
	bool gen_suppressions; /* print a ready-made suppression with each report */
	bool registers;	       /* print registers and the instruction */
	bool quiet;	       /* no summary at the end */
	u32 color;	       /* enum report_color; auto: colours if the text goes to a terminal */
	u32 format;	       /* enum report_format: of the text */
	u32 depth;	       /* frames shown of a stack; 0: REPORT_DEPTH_DEFAULT */
};

#endif
