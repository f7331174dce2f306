/* SPDX-License-Identifier: MIT */
/*
 * The monitor's end of the reporter (report/main.c), a process beside it that turns reports of
 * `buffervm check` into words. One per monitor.
 */
#ifndef VM_REPORTER_H
#define VM_REPORTER_H

#include "common/check.h"
#include "report/options.h"

/*
 * Starts it and waits until it has opened its outputs. To be called before KVM is opened and while
 * there is one thread: it is the only process the monitor makes. text_fd: the user's standard
 * error, or -1. 0, or an exit_status after a message.
 */
int reporter_start(const struct report_options *o, int text_fd);

/*
 * Hands a report over (struct check_report and parts, len bytes, not the guest's memory) and waits
 * until the user has it. When the reporter is gone, the report is a line of the monitor's own. Any
 * thread.
 */
enum check_verdict reporter_report(const void *report, u32 len);

/* A struct check_summary, for the end. Any thread. */
void reporter_summary(const struct check_summary *summary);

/* The sandbox has ended: waits until the outputs are complete. Harmless without a reporter. */
void reporter_end(void);

#endif
