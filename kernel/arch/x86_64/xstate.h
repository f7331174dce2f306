/* SPDX-License-Identifier: MIT */
/*
 * The XSAVE state of programs: its features, size and layout (Intel SDM vol. 1, chapter 13:
 * standard format), for signal frames, new threads, switches of threads, and core files.
 *
 * The CPU may enable more than the VM was given: a KVM without hardware virtualization leaves the
 * host's XCR0 in place while the guest runs in ring 3. So the mask of each save and restore is not
 * all ones, but the features that XCR0 and CPUID have in common.
 */
#ifndef ARCH_XSTATE_H
#define ARCH_XSTATE_H

#include "common/types.h"

#define XSTATE_FP_SSE	  3UL
/* AMX tiles, which the kernel never saves: Linux enables them only for a process that asks. */
#define XSTATE_AMX	  (3UL << 17)

#define XSAVE_ALIGN	  64UL
#define XSAVE_LEGACY_SIZE 512
/* Bytes of the legacy region that the CPU does not use. */
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
	u64 features; /* the mask for XSAVE and XRSTOR */
	u32 size;     /* bytes from the area's start that XSAVE writes with that mask, at most */
};

/*
 * XGETBV and XSAVE, in fpu.c; a test simulates them. The area of xstate_cpu_save is aligned to
 * XSAVE_ALIGN, and its header is zero.
 */
u64 xstate_cpu_xcr0(void);
void xstate_cpu_save(struct xsave_area *area, u64 features);

/*
 * Computes the state from CPUID leaf 0xd and XCR0 and makes one save into a larger buffer. Panics
 * if the CPU wrote more than was computed, because every later save would overwrite memory. Called
 * once, on the first vCPU, after panic works.
 */
void xstate_init(struct xstate *x);

#endif
