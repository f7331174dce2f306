/* SPDX-License-Identifier: MIT */
/*
 * Windows: files mapped into guest-physical memory (hostcalls window_*). A window is a shared
 * mapping of a range of a host file; the guest sees the host's page cache itself. One that covers
 * a request for the same file is given again, with a count.
 *
 * A page of a window may be gone at any time (the file was truncated) or not be writable: only the
 * host may touch it on the monitor's behalf (a system call says EFAULT), never the monitor itself.
 */
#ifndef VM_WINDOW_H
#define VM_WINDOW_H

#include "common/types.h"

/* Windows that are mapped now, and all that were made. */
void window_count(u64 *now, u64 *made);

#endif
