// SPDX-License-Identifier: MIT
/*
 * Can a frame, or the segments behind it, lead the Linux module outside of the area or of the RAM?
 * The input is the vCPU's area. What is planned must keep the promises of plan.h, on which
 * host_kernel/serve.c relies without checks of its own.
 * sources: host_kernel/plan.c
 */
#include <stdlib.h>
#include <string.h>
#include "common/hostcall.h"
#include "host_kernel/plan.h"

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct host_kernel_ram ram = {0x100000000, 0x40000000, 0x7f0000000000};
	struct hostcall_frame frame = {0};
	struct plan p;
	u32 bytes = 0;

	memcpy(&frame, data, size < sizeof(frame) ? size : sizeof(frame));
	p = plan_call(&frame);
	switch (p.op) {
	case PLAN_READ:
	case PLAN_WRITE:
		HOLDS(p.offset == PLAN_AT_POSITION || (s64)p.offset >= 0);
		/* fall through */
	case PLAN_RANDOM:
		HOLDS(p.segs >= 1 && p.segs <= HOST_KERNEL_SEGS);
		bytes = p.segs * sizeof(struct hostcall_seg);
		break;
	case PLAN_STAT:
		bytes = PLAN_STAT_SIZE;
		break;
	case PLAN_CLOCK:
		bytes = PLAN_TIMESPEC_SIZE;
		break;
	case PLAN_SEEK:
		HOLDS(p.whence <= 2);
		break;
	case PLAN_WAKE:
		HOLDS(p.word % sizeof(u32) == 0 && p.count <= INT32_MAX);
		return 0;
	case PLAN_YIELD:
	case PLAN_NONE:
		return 0;
	}
	HOLDS(p.op == PLAN_RANDOM || p.op == PLAN_CLOCK || p.handle < HANDLE_MAX);
	if (bytes)
		HOLDS(p.buffer >= HOSTCALL_DATA_OFFSET && p.buffer <= HOSTCALL_AREA_SIZE - bytes);
	for (size_t at = sizeof(frame); at + sizeof(struct hostcall_seg) <= size;
	     at += sizeof(struct hostcall_seg)) {
		struct hostcall_seg seg;
		u64 host;

		memcpy(&seg, data + at, sizeof(seg));
		host = plan_segment(&ram, &seg);
		HOLDS(!host || (host >= ram.host && host < ram.host + ram.size &&
				seg.len <= ram.host + ram.size - host));
	}
	return 0;
}
