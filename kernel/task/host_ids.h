/* SPDX-License-Identifier: MIT */
/*
 * The identity of a vCPU's host thread. The guest kernel knows the identity of each guest thread,
 * but the host decides what that identity may do with files, sockets and devices. So before a
 * hostcall whose outcome depends on it, the host thread gets the identity of the guest thread that
 * runs on the vCPU (hostcall ids), unless it has it already. A guest thread may move to another
 * vCPU between any two hostcalls.
 */
#ifndef KERNEL_TASK_HOST_IDS_H
#define KERNEL_TASK_HOST_IDS_H

#include "common/types.h"

struct creds;

/* The stamp of the identity that the sandbox, and each host thread, begins with. */
#define CREDS_BOOT 1

/* Returns a new stamp, which no creds has: for creds_commit. */
u64 host_ids_stamp(void);

/*
 * Gives this vCPU's host thread the identity c. Returns 0, or -errno; after an error the next call
 * sets the identity in any case.
 */
int host_ids_apply(const struct creds *c);

/*
 * Between begin and end, the hostcalls of the running thread are made with the identity *view, for
 * access(2). begin changes view->stamp; the pair does not nest.
 */
void host_ids_view_begin(struct creds *view);
struct creds *host_ids_view_end(void); /* returns begin's argument */

#endif
