/* SPDX-License-Identifier: MIT */
/*
 * The kernel's stubs: hc_NAME(arguments) for each row of common/hostcall.def.
 *
 * Parameters by kind: int u64; handle s32; path const char *; in const void *, u32 length; out
 * and inout void *, u32 length (length 0 passes a null pointer to the host call); len none;
 * segs_in, segs_out const struct segs *. Result: Linux's, >= 0 or -errno; -EINTR when this vCPU
 * was kicked while the host call slept. -EINVAL when arguments do not fit the area.
 */
#ifndef KERNEL_HOSTCALL_H
#define KERNEL_HOSTCALL_H

#include "common/foreach.h"
#include "common/hostcall.h"

/* Guest-physical pieces of a buffer; mm/uaccess.h makes them from a program's or own memory. */
struct segs {
	u32 count;
	struct hostcall_seg *seg;
};

struct hostcall_param {
	enum hostcall_kind kind;
	u64 value; /* integer, or pointer */
	u32 len;   /* of in, out, inout */
};

/* Marshals into this vCPU's area, rings, copies results back. Used by the stubs only. */
s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count);

/*
 * kernel/task/host_ids.c: this vCPU's host thread gets the identity of the guest thread that runs
 * on it, if it has another. 0 or -errno. Makes a hostcall itself.
 */
int host_ids_settle(void);

/*
 * What a hostcall costs on this host when the monitor has next to nothing to do for it: the
 * shortest one that rang the doorbell until now, in TSC cycles and in nanoseconds. 0: none was made
 * yet, or the TSC's frequency is unknown. For decisions that weigh a hostcall against something.
 */
u64 hostcall_cost(void);
u64 hostcall_cost_ns(void);

/*
 * CPU time that the host thread of a vCPU has used until now. Between two moments that the monitor
 * wrote down it goes on with the TSC, so it may go back a little, too.
 */
u64 hostcall_cpu_ns(const struct vcpu_data *d);

/* A typed stub per row. */
#define HC_PARAM(t)	       HC_PARAM_ t
#define HC_PARAM_(kind, ...)   HC_PARAM_##kind(__VA_ARGS__)
#define HC_PARAM_none(...)     int none_
#define HC_PARAM_int(n)	       u64 n
#define HC_PARAM_handle(n)     s32 n
#define HC_PARAM_path(n)       const char *n
#define HC_PARAM_in(n, max)    const void *n, u32 n##_len
#define HC_PARAM_out(n, max)   void *n, u32 n##_len
#define HC_PARAM_inout(n, max) void *n, u32 n##_len
#define HC_PARAM_len(...)      int len_
#define HC_PARAM_segs_in(n)    const struct segs *n
#define HC_PARAM_segs_out(n)   const struct segs *n

#define HC_FILL(t)	       HC_FILL_ t
#define HC_FILL_(kind, ...)    {HC_KIND_##kind, HC_FILL_##kind(__VA_ARGS__)},
#define HC_FILL_none(...)      0, (u32)none_
#define HC_FILL_int(n)	       (u64) n, 0
#define HC_FILL_handle(n)      (u64)(s64) n, 0
#define HC_FILL_path(n)	       (u64) n, 0
#define HC_FILL_in(n, max)     (u64) n, n##_len
#define HC_FILL_out(n, max)    (u64) n, n##_len
#define HC_FILL_inout(n, max)  (u64) n, n##_len
#define HC_FILL_len(...)       0, (u32)len_
#define HC_FILL_segs_in(n)     (u64) n, 0
#define HC_FILL_segs_out(n)    (u64) n, 0

/*
 * (none) and (len) take a dummy int so that the macros stay simple; hc_NAME is called through
 * these with HC_NONE there.
 */
#define HC_NONE		       0

#define HOSTCALL(nr, name, impl, desc, ...)                                                        \
	static inline s64 hc_##name(FOR_EACH_COMMA(HC_PARAM, __VA_ARGS__))                         \
	{                                                                                          \
		const struct hostcall_param p_[] = {FOR_EACH(HC_FILL, __VA_ARGS__)};               \
		return hostcall_make(HC_##name, p_, ARRAY_SIZE(p_));                               \
	}
#include "common/hostcall.def"

#endif
