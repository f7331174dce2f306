/* SPDX-License-Identifier: MIT */
/*
 * Bugs on their way to the monitor: the kernel's end of HC_check_report.
 *
 * Who finds a bug (kernel/check/, exec, signal) fills in what it knows of a struct check_report and
 * gives stacks as arrays; chk_report adds what is the same for every report, sends it, and does
 * what the user's choices say.
 */
#ifndef KERNEL_CHECK_REPORT_H
#define KERNEL_CHECK_REPORT_H

#include "check/abi/check.h"

/* Return addresses, innermost first; count 0: not known. */
struct chk_trace {
	const u64 *pc;
	u32 count;
};

/* Parts that only the finder of a bug has. All may be empty; borrowed during the call. */
struct chk_report_parts {
	struct chk_trace access, alloc, free;
	const struct check_object *around;
	u32 around_count;
};

/*
 * Reports a bug of the running thread. The caller has filled in kind, access, where, addr, size,
 * count, syscall, fn and object of *head, as far as they apply; the rest is 0. Added here: pid,
 * tid, comm, registers and instruction bytes of the program as it entered the kernel, the memory
 * of its stack, its mappings, and samples. parts may be NULL. No lock is held.
 *
 * Does not return where the process ends for the bug: unless the user chose to keep going, or
 * suppressed it. Then the result says which of these.
 */
enum check_verdict chk_report(struct check_report *head, const struct chk_report_parts *parts);

#endif
