/* SPDX-License-Identifier: MIT */
#ifndef REPORT_SOURCE_H
#define REPORT_SOURCE_H

#include "common/types.h"

#define REPORT_SOURCE_AROUND 3 /* lines before and after */

/*
 * Reads the lines around line of a source file, for the page. A relative path is below directory.
 * The path comes from debug information, which the guest may have forged. So only files with the
 * name of a source file are read, lest a report shows other files that the user can read. Returns
 * text that the caller frees, and stores the number of its first line in *first. Returns NULL if
 * the file cannot be read.
 */
char *report_source(const char *directory, const char *path, u32 line, u32 *first);

#endif
