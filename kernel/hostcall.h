/* SPDX-License-Identifier: MIT */
/*
 * The kernel's functions for hostcalls: hc_NAME(arguments) for each row of common/hostcall.def.
 *
 * Parameters by kind: int u64; handle s32; path const char *; in const void *, u32 length; out
 * and inout void *, u32 length (length 0 passes a null pointer to the host call); none and len:
 * HC_NONE; segs_in, segs_out const struct segs *. They return Linux's result, >= 0 or -errno:
 * -EINTR if this vCPU was kicked while the host call slept, -EINVAL if arguments do not fit the
 * area.
 */
#ifndef KERNEL_HOSTCALL_H
#define KERNEL_HOSTCALL_H

#include "common/foreach.h"
#include "common/hostcall.h"

/* Guest-physical segments of a buffer; mm/uaccess.h makes them of a program's or kernel memory. */
struct segs {
	u32 count;
	struct hostcall_seg *seg;
};

struct hostcall_param {
	enum hostcall_kind kind;
	u64 value; /* integer, or pointer */
	u32 len;   /* of in, out, inout */
};

/* Marshals arguments into this vCPU's area, makes the call, copies results. For hc_NAME only. */
s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count);

/*
 * Gives this vCPU's host thread the identity of the guest thread that runs on it, with a hostcall,
 * if it has another one. Returns 0 or -errno. kernel/task/host_ids.c
 */
int host_ids_settle(void);

/*
 * Windows and handles that one hostcall closes. Between release_begin and release_end on this vCPU,
 * release_later notes what else would take a hostcall each; the thread must not park meanwhile.
 * release_later returns false outside of such a section: the caller makes its own hostcall.
 */
struct release {
	u32 count;
	struct hostcall_release what[HOSTCALL_RELEASE_MAX];
};
void release_begin(struct release *r);
void release_end(struct release *r);
bool release_later(bool window, u32 number);

/*
 * What the cheapest hostcall costs on this host: the time of the shortest one that rang the
 * doorbell so far, in TSC cycles and in nanoseconds. 0: none was made yet, or (nanoseconds) the
 * TSC's frequency is unknown. For decisions that weigh a hostcall against something else.
 */
u64 hostcall_cost(void);
u64 hostcall_cost_ns(void);

/*
 * CPU time in nanoseconds that a vCPU's host thread has used. The monitor stores it from time to
 * time, and the function adds the TSC's advance since then. So a value can be smaller than an
 * earlier one.
 */
u64 hostcall_cpu_ns(const struct vcpu_data *d);

/* Make a typed function for each row. */
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

/* The argument for a parameter of kind none or len: a dummy int keeps the macros simple. */
#define HC_NONE		       0

#define HOSTCALL(nr, name, impl, desc, ...)                                                        \
	static inline s64 hc_##name(FOR_EACH_COMMA(HC_PARAM, __VA_ARGS__))                         \
	{                                                                                          \
		const struct hostcall_param p_[] = {FOR_EACH(HC_FILL, __VA_ARGS__)};               \
		return hostcall_make(HC_##name, p_, ARRAY_SIZE(p_));                               \
	}
#include "common/hostcall.def"

#endif
