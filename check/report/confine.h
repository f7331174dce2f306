/* SPDX-License-Identifier: MIT */
#ifndef REPORT_CONFINE_H
#define REPORT_CONFINE_H

#include <stdbool.h>

/* Who confines itself: the reporter writes to descriptors it has; the worker opens files to read.
 */
enum report_confine { REPORT_CONFINE_REPORTER, REPORT_CONFINE_WORKER };

/*
 * From here on only the system calls of the role, for this process and its children. Another one
 * kills the process. A worker's filter comes on top of its reporter's. false: not possible.
 */
bool report_confine(enum report_confine role);

#endif
