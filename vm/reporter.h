/* SPDX-License-Identifier: MIT */
/*
 * The messages of `buffervm check` to the reporter, which main.c starts and ends (vm/check.h). A
 * monitor has one reporter.
 */
#ifndef VM_REPORTER_H
#define VM_REPORTER_H

#include "check/abi/check.h"

/*
 * Hands a report over and waits until the user has it. report is struct check_report and its parts,
 * len bytes of the monitor's memory. If the reporter is gone, the monitor itself prints the report
 * in one line. Any thread may call it.
 */
enum check_verdict reporter_report(const void *report, u32 len);

/* Hands over a struct check_summary for the report's end. Any thread may call it. */
void reporter_summary(const struct check_summary *summary);

#endif
