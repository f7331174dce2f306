/* SPDX-License-Identifier: MIT */
/*
 * The frame of a hostcall and the numbers of all hostcalls: hostcall.h explains both. This part
 * depends on no layout of the guest, so the Linux module in host_kernel/ includes it, too.
 */
#ifndef COMMON_HOSTCALL_FRAME_H
#define COMMON_HOSTCALL_FRAME_H

#include "types.h"

#define HOSTCALL_ARGS	   7
#define HOSTCALL_AREA_SIZE 0x4000 /* the frame and its data: 4 pages of the vCPU's area */

enum hostcall_state {
	HOSTCALL_IDLE,
	HOSTCALL_SUBMITTED,
	HOSTCALL_TAKEN,
	HOSTCALL_DONE,
	HOSTCALL_LATER,
};

struct hostcall_frame {
	u32 nr;
	u32 state; /* enum hostcall_state */
	u64 arg[HOSTCALL_ARGS];
	s64 ret;
	u64 wakes; /* guest-physical address of a word; 0: none. The doorbell wakes a sleeper of the
		      word (HC_wait) before it makes the call */
};
#define HOSTCALL_DATA_OFFSET 128
#define HOSTCALL_DATA_SIZE   (HOSTCALL_AREA_SIZE - HOSTCALL_DATA_OFFSET)
_Static_assert(sizeof(struct hostcall_frame) <= HOSTCALL_DATA_OFFSET,
	       "the frame fits the space before the data");

/*
 * A segment of guest-physical memory: a range of RAM, or a range within one other memory slot, such
 * as the arena of a window.
 */
struct hostcall_seg {
	u64 gpa;
	u64 len;
};
#define HOSTCALL_SEGS_MAX 512

enum hostcall_nr {
#define HOSTCALL(nr, name, impl, desc, ...) HC_##name = nr,
#include "hostcall.def"
	HC_MAX = 255, /* every number is below it */
};

#endif
