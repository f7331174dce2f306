/*
 * Marshalling of hostcalls into this vCPU's area (common/hostcall.h has the format). Buffers lie
 * one after another in the area, 8-byte aligned; the results of out and inout go back from there.
 */
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/stats.h"

/* Room for len bytes; NULL when the area is full. *at: next free offset in the area. */
static u8 *reserve(struct hostcall_frame *frame, u32 *at, u64 len, u64 *arg)
{
	u8 *p = (u8 *)frame + *at;

	if (len > HOSTCALL_AREA_SIZE - *at)
		return NULL;
	*arg = (u64)*at << 32 | len;
	*at = ALIGN_UP(*at + (u32)len, 8u);
	return p;
}

_Static_assert(HOSTCALL_AGAIN == ERESTARTNOINTR, "such a result needs no translation");

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	struct hostcall_frame *frame = arch_hostcall_frame();
	u32 at = HOSTCALL_DATA_OFFSET;
	u8 *buffer[HOSTCALL_ARGS + 1];
	unsigned n = 0;
	s64 ret;
	u64 start;

	frame->nr = nr;
	for (unsigned i = 0; i < count; i++) {
		const struct hostcall_param *p = &params[i];
		const struct segs *segs = (const struct segs *)p->value;
		const void *data = (const void *)p->value;
		u64 len = p->len;

		switch (p->kind) {
		case HC_KIND_none:
		case HC_KIND_len:
			continue;
		case HC_KIND_int:
		case HC_KIND_handle:
			frame->arg[n++] = p->value;
			continue;
		case HC_KIND_path:
			len = strlen(data) + 1;
			break;
		case HC_KIND_segs_in:
		case HC_KIND_segs_out:
			data = segs->seg;
			len = segs->count * sizeof(*segs->seg);
			break;
		case HC_KIND_in:
		case HC_KIND_out:
		case HC_KIND_inout:
			break;
		}
		buffer[i] = reserve(frame, &at, len, &frame->arg[n++]);
		if (!buffer[i])
			return -EINVAL;
		if (p->kind != HC_KIND_out)
			memcpy(buffer[i], data, len);
	}

	start = arch_rdtsc();
	ret = arch_doorbell(frame);
	__atomic_fetch_add(&stats.hostcalls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&hostcall_stats[nr].calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&hostcall_stats[nr].cycles, arch_rdtsc() - start, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < count; i++)
		if (params[i].kind == HC_KIND_out || params[i].kind == HC_KIND_inout)
			memcpy((void *)params[i].value, buffer[i], params[i].len);
	return ret;
}
