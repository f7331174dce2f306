/* SPDX-License-Identifier: MIT */
/* Names and words of what a report is about. Used by the reporter and, for its last resort, the
 * monitor. Each function takes any number (it comes from the guest) and never returns NULL. */
#ifndef REPORT_KIND_H
#define REPORT_KIND_H

#include "check/abi/check.h"

struct report_kind {
	const char *name;    /* in reports, suppressions, JSON and as SARIF's rule */
	const char *summary; /* one sentence without a full stop */
	const char *advice;  /* what such a bug usually is, and where to look */
	bool error;	     /* false: the program can live with it */
};

/* Row of a kind; one named "unknown" for a number that is none. */
const struct report_kind *report_kind(u32 kind);

/* By name; 0: there is none. */
u32 report_kind_by_name(const char *name);

/* "malloc", "operator new[]", ...; "?" */
const char *report_function_name(u32 fn);

/* "page", "alias", ...; "?" */
const char *report_level_name(u32 level);

#endif
