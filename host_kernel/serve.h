/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Makes a planned call in the vCPU's own thread: serve.c. */
#ifndef HOST_KERNEL_SERVE_H
#define HOST_KERNEL_SERVE_H

#include <linux/uio.h>
#include "host_kernel/plan.h"
#include "host_kernel/sleep.h"

/* The call is left to the monitor. No result of a call has this value. */
#define SERVE_PASS (-4096L)

/* What a call may use. The module has copied all of it; it is the calling thread's alone. */
struct serve_call {
	struct plan plan;
	struct host_kernel_ram ram;
	u64 handles;	   /* struct host_kernel_vm */
	u32 flags;	   /* struct host_kernel_vm */
	u8 __user *area;   /* the vCPU's hostcall area */
	struct iovec *iov; /* space for HOST_KERNEL_SEGS */
	struct sleepers *sleepers;
};

/*
 * Returns the result, as the host's system call has it, or SERVE_PASS. Nothing has happened then.
 * May sleep, but only for the storage of a file; holds no lock while it sleeps but the file's own
 * position lock. current->mm is the monitor's.
 */
long serve(const struct serve_call *call);

#endif
