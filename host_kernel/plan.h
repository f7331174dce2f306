/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What a hostcall's frame asks of the module, checked. Nothing here touches memory of the guest or
 * of a process: the caller has copied the frame once. The same code is compiled for the host and
 * tested there under sanitizers.
 */
#ifndef HOST_KERNEL_PLAN_H
#define HOST_KERNEL_PLAN_H

#include "common/host_kernel.h"
#include "common/hostcall_frame.h"

enum plan_op {
	PLAN_NONE, /* not served: the monitor makes the call */
	PLAN_READ,
	PLAN_WRITE,
	PLAN_SEEK,
	PLAN_STAT,
	PLAN_CLOCK,
	PLAN_RANDOM,
	PLAN_YIELD,
	PLAN_WAKE,
};

#define PLAN_STAT_SIZE	   144 /* struct stat of x86-64 */
#define PLAN_TIMESPEC_SIZE 16
#define PLAN_AT_POSITION   (~0ULL) /* of .offset: at the file's own position */

struct plan {
	enum plan_op op;
	u32 handle; /* below HANDLE_MAX: READ, WRITE, SEEK, STAT */
	u32 buffer; /* offset of the out buffer or of the segments in the area */
	u32 segs;   /* number of segments: READ, WRITE, RANDOM */
	u64 offset; /* READ, WRITE: position in the file. SEEK: the argument */
	u32 whence; /* SEEK */
	u32 clock;  /* CLOCK */
	u64 word;   /* WAKE: guest-physical address, aligned */
	u32 count;  /* WAKE: at most so many sleepers */
};

/*
 * Plans the call of a frame. Returns a plan whose op is PLAN_NONE for every call that is not wholly
 * valid, so that the monitor finds the error, and for every call that the module does not serve.
 */
struct plan plan_call(const struct hostcall_frame *frame);

/*
 * Returns the host address of a segment, or 0 if the segment is not wholly inside the RAM. A
 * segment of no bytes has to lie in the RAM, too.
 */
u64 plan_segment(const struct host_kernel_ram *ram, const struct hostcall_seg *seg);

#endif
