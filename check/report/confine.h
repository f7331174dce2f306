/* SPDX-License-Identifier: MIT */
#ifndef REPORT_CONFINE_H
#define REPORT_CONFINE_H

#include <stdbool.h>

/* The processes with a filter. The worker may do a part of what the reporter may do. */
enum report_confine { REPORT_CONFINE_REPORTER, REPORT_CONFINE_WORKER };

/*
 * Limits this process and its children to the system calls of the role; any other call kills the
 * process. A worker's filter comes on top of its reporter's. Returns false if that is not possible.
 */
bool report_confine(enum report_confine role);

#endif
