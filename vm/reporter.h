/* SPDX-License-Identifier: MIT */
/*
 * What the hostcalls of `buffervm check` have for the reporter, which main.c starts and ends
 * (vm/check.h). One per monitor.
 */
#ifndef VM_REPORTER_H
#define VM_REPORTER_H

#include "check/abi/check.h"

/*
 * Hands a report over (struct check_report and parts, len bytes, not the guest's memory) and waits
 * until the user has it. When the reporter is gone, the report is a line of the monitor's own. Any
 * thread.
 */
enum check_verdict reporter_report(const void *report, u32 len);

/* A struct check_summary, for the end. Any thread. */
void reporter_summary(const struct check_summary *summary);

#endif
