// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Checks the frames of hostcalls: plan.h. */
#include "host_kernel/plan.h"

/*
 * Splits offset << 32 | length of a buffer in the area. Returns false unless the whole buffer lies
 * in the area's data.
 */
static bool area_range(u64 arg, u32 *offset, u32 *len)
{
	*offset = (u32)(arg >> 32);
	*len = (u32)arg;
	return *offset >= HOSTCALL_DATA_OFFSET && *offset <= HOSTCALL_AREA_SIZE &&
	       *len <= HOSTCALL_AREA_SIZE - *offset;
}

/* An argument of kind segs_in or segs_out, with at least one segment. */
static bool segments(struct plan *p, u64 arg)
{
	u32 len;

	if (!area_range(arg, &p->buffer, &len) || len % sizeof(struct hostcall_seg) != 0)
		return false;
	p->segs = len / sizeof(struct hostcall_seg);
	return p->segs > 0 && p->segs <= HOST_KERNEL_SEGS;
}

/* An argument of kind out, with room for a struct of the host of this size. */
static bool out(struct plan *p, u64 arg, u32 size)
{
	u32 len;

	return area_range(arg, &p->buffer, &len) && len == size;
}

static bool handle(struct plan *p, u64 arg)
{
	p->handle = (u32)arg;
	return arg < HANDLE_MAX;
}

/* .segs of a transfer at an offset, or at the file's position for PLAN_AT_POSITION; no flags. */
static bool transfer(struct plan *p, const struct hostcall_frame *frame, bool positioned)
{
	p->offset = positioned ? frame->arg[2] : PLAN_AT_POSITION;
	return handle(p, frame->arg[0]) && segments(p, frame->arg[1]) &&
	       (!positioned || frame->arg[3] == 0) &&
	       (p->offset == PLAN_AT_POSITION || (s64)p->offset >= 0);
}

/* futex(2) counts sleepers in an int. */
#define WAKE_ALL 0x7fffffff

struct plan plan_call(const struct hostcall_frame *frame)
{
	static const struct plan none = {.op = PLAN_NONE};
	struct plan p = none;
	bool valid = false;

	/* A sleeper that is to be woken first is the monitor's. */
	if (frame->wakes)
		return none;
	switch (frame->nr) {
	case HC_readv:
	case HC_preadv2:
		p.op = PLAN_READ;
		valid = transfer(&p, frame, frame->nr == HC_preadv2);
		break;
	case HC_writev:
	case HC_pwritev2:
		p.op = PLAN_WRITE;
		valid = transfer(&p, frame, frame->nr == HC_pwritev2);
		break;
	case HC_lseek:
		p.op = PLAN_SEEK;
		p.offset = frame->arg[1];
		p.whence = (u32)frame->arg[2];
		valid = handle(&p, frame->arg[0]) && frame->arg[2] <= 2;
		break;
	case HC_fstat:
		p.op = PLAN_STAT;
		valid = handle(&p, frame->arg[0]) && out(&p, frame->arg[1], PLAN_STAT_SIZE);
		break;
	case HC_clock_gettime:
		p.op = PLAN_CLOCK;
		p.clock = (u32)frame->arg[0];
		valid = frame->arg[0] < 16 && out(&p, frame->arg[1], PLAN_TIMESPEC_SIZE);
		break;
	case HC_getrandom:
		p.op = PLAN_RANDOM;
		valid = segments(&p, frame->arg[0]) && frame->arg[1] == 0;
		break;
	case HC_sched_yield:
		p.op = PLAN_YIELD;
		valid = true;
		break;
	case HC_wake:
		p.op = PLAN_WAKE;
		p.word = frame->arg[0];
		p.count = (u32)(frame->arg[1] < WAKE_ALL ? frame->arg[1] : WAKE_ALL);
		valid = p.word % sizeof(u32) == 0;
		break;
	}
	return valid ? p : none;
}

u64 plan_segment(const struct host_kernel_ram *ram, const struct hostcall_seg *seg)
{
	u64 at = seg->gpa - ram->gpa;

	if (seg->gpa < ram->gpa || at >= ram->size || seg->len > ram->size - at)
		return 0;
	return ram->host + at;
}
