/* SPDX-License-Identifier: MIT */
/*
 * Reports of bugs to the monitor: the kernel's end of HC_check_report.
 *
 * The code that finds a bug fills in what it knows of a struct check_report, and passes call stacks
 * as arrays. chk_report adds what every report has, sends the report, and follows the user's
 * options.
 */
#ifndef KERNEL_CHECK_REPORT_H
#define KERNEL_CHECK_REPORT_H

#include "check/abi/check.h"

/* Return addresses, innermost first; count 0: not known. id: of a stored stack; 0: it is none. */
struct chk_trace {
	const u64 *pc;
	u32 count;
	u32 id;
};

/* Parts that only the caller of chk_report has. Each may be empty; borrowed during the call. */
struct chk_report_parts {
	struct chk_trace access, alloc, free;
	const struct check_object *around;
	u32 around_count;
};

/*
 * Reports a bug of the running thread. The caller has filled in kind, access, where, addr, size,
 * count, syscall, fn and object of *head, as far as they apply; the rest is 0. chk_report adds pid,
 * tid, comm, mappings and samples, and for bugs other than leaks the registers and instruction
 * bytes of the program as it entered the kernel, its callers and the memory of its stack. parts may
 * be NULL. No lock is held.
 *
 * A bug other than a leak ends the process, and chk_report does not return, unless the user chose
 * to keep going or the reporter suppressed the report. Otherwise returns the reporter's verdict;
 * a report that could not be sent counts as CHECK_VERDICT_REPORTED.
 */
enum check_verdict chk_report(struct check_report *head, const struct chk_report_parts *parts);

#endif
