/* SPDX-License-Identifier: MIT */
/*
 * Names and texts of the kinds of bugs, functions and levels. Used by the reporter, and by the
 * monitor when the reporter is not there. The functions take any number, because it comes from the
 * guest, and never return NULL.
 */
#ifndef REPORT_KIND_H
#define REPORT_KIND_H

#include "check/abi/check.h"

struct report_kind {
	const char *name;    /* in reports, suppressions, JSON and as SARIF's rule */
	const char *summary; /* one sentence without a full stop */
	const char *advice;  /* the usual cause of such a bug, and where to look */
	bool error;	     /* false: a warning */
};

/* Returns the row of a kind, or one named "unknown". */
const struct report_kind *report_kind(u32 kind);

/* Returns the kind with this name, or 0. */
u32 report_kind_by_name(const char *name);

/* Returns "malloc", "operator new[]", ..., or "?". */
const char *report_function_name(u32 fn);

/* Returns "page", "alias", ..., or "?". */
const char *report_level_name(u32 level);

#endif
