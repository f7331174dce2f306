/* SPDX-License-Identifier: MIT */
/*
 * Windows: files mapped into guest-physical memory (hostcalls window_*). A window is a shared
 * mapping of a range of a host file; the guest sees the host's page cache itself. If a window
 * covers a request for the same file, the guest gets that window again, and its reference count
 * goes up.
 *
 * A page of a window may be gone at any time, because the file was truncated, or may not be
 * writable. So the monitor never touches a window itself: it lets the host do so in a system call,
 * which then fails with EFAULT.
 */
#ifndef VM_WINDOW_H
#define VM_WINDOW_H

#include "common/types.h"

/*
 * Sets *now to the number of windows that exist and *made to the number that were made since the
 * start.
 */
void window_count(u64 *now, u64 *made);

/* Closes a window that the guest has. Returns 0, or -EINVAL if there is none with this id. */
s64 window_close(u64 id);

#endif
