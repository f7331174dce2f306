/* SPDX-License-Identifier: MIT */
/*
 * The identity of a vCPU's host thread. The kernel keeps who a guest thread is; the host decides
 * what that may do with files, sockets and devices. So before a hostcall whose outcome depends on
 * it, the host thread gets the identity of the guest thread that runs on the vCPU (hostcall ids),
 * unless it has it already. A guest thread may move to another vCPU at any time between two
 * hostcalls.
 */
#ifndef KERNEL_TASK_HOST_IDS_H
#define KERNEL_TASK_HOST_IDS_H

#include "common/types.h"

struct creds;

/* Stamp of the identity with which the sandbox, and each host thread, begins. */
#define CREDS_BOOT 1

/* A stamp that no creds has: creds_commit. */
u64 host_ids_stamp(void);

/* This vCPU's host thread gets the identity c. 0, or -errno and the next one is set in any case. */
int host_ids_apply(const struct creds *c);

/*
 * Between begin and end the running thread's hostcalls are made as *view, whose stamp is filled in:
 * access(2). No nesting.
 */
void host_ids_view_begin(struct creds *view);
struct creds *host_ids_view_end(void); /* what begin got */

#endif
