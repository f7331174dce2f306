/* SPDX-License-Identifier: MIT */
/*
 * The XSAVE state of programs: which features it has, how large it is, and how it is laid out
 * (Intel SDM vol. 1, chapter 13: standard format). Signal frames, new threads and core files all
 * take it from here.
 *
 * The CPU may enable more than the VM was given: a KVM without hardware virtualization leaves the
 * host's XCR0 in place while the guest runs in ring 3. So nothing is saved or restored with all
 * bits set, but with the features that XCR0 and CPUID have in common.
 */
#ifndef ARCH_XSTATE_H
#define ARCH_XSTATE_H

#include "common/types.h"

#define XSTATE_FP_SSE	  3UL
/* AMX tiles: Linux gives them to a process that asked for them, and CPUID hides them here. */
#define XSTATE_AMX	  (3UL << 17)

#define XSAVE_ALIGN	  64UL
#define XSAVE_LEGACY_SIZE 512
/* Bytes of the legacy region that the CPU leaves to software. */
#define XSAVE_SW_AT	  464
#define XSAVE_SW_SIZE	  48

struct xsave_header {
	u64 xstate_bv, xcomp_bv;
	u64 reserved[6];
};

struct xsave_area {
	u16 fcw, fsw;
	u8 ftw, reserved0;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 registers[XSAVE_SW_AT - 32];
	u8 software[XSAVE_SW_SIZE];
	struct xsave_header header;
	u8 extended[];
};
_Static_assert(offsetof(struct xsave_area, software) == XSAVE_SW_AT, "Intel SDM vol. 1, 10.5.1");
_Static_assert(offsetof(struct xsave_area, header) == XSAVE_LEGACY_SIZE, "Intel SDM vol. 1, 13.4");
_Static_assert(offsetof(struct xsave_area, extended) == 576, "Intel SDM vol. 1, 13.4");

struct xstate {
	u64 features; /* the mask of each XSAVE and XRSTOR */
	u32 size;     /* bytes that XSAVE writes with that mask, from the area's start */
};

/*
 * The instructions, in fpu.c; a test has a CPU of its own. The area of xstate_cpu_save is aligned
 * to XSAVE_ALIGN, its header is zero.
 */
u64 xstate_cpu_xcr0(void);
void xstate_cpu_save(struct xsave_area *area, u64 features);

/*
 * Works the state out from CPUID leaf 0xd and XCR0, makes one save into a larger buffer, and panics
 * when the CPU wrote more than was worked out: every later save would destroy memory. Once, on the
 * first vCPU, when panics can be told.
 */
void xstate_init(struct xstate *x);

#endif
