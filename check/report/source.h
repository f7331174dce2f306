/* SPDX-License-Identifier: MIT */
#ifndef REPORT_SOURCE_H
#define REPORT_SOURCE_H

#include "common/types.h"

#define REPORT_SOURCE_AROUND 3 /* lines before and after */

/*
 * The lines around line of a source file, for the page. The path (below directory when it is
 * relative) comes from debug information, that is from the guest: only files with a name as source
 * files have are read, so that no report shows what else the user may read. Returns text to be
 * freed and sets *first to its first line's number; NULL: not readable.
 */
char *report_source(const char *directory, const char *path, u32 line, u32 *first);

#endif
