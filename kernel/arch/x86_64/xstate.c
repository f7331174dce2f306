// SPDX-License-Identifier: MIT
/* See xstate.h. Pure except for cpuid_read and the xstate_cpu_ functions. */
#include "kernel/arch/x86_64/xstate.h"
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/kernel.h"

#define CPUID_XSTATE  0xd

/* Size of the buffer for the trial. States of up to half of it can be tried. */
#define TRIAL_SIZE    (5 * PAGE_SIZE)
#define TRIAL_PATTERN 0x5a

/* Bytes from the area's start to the end of its last feature. */
static u32 size_of(u64 features)
{
	u32 size = sizeof(struct xsave_area);

	for (u32 i = 2; i < 63; i++) {
		u32 reg[4];

		if (!(features & 1UL << i))
			continue;
		/* EAX: size, EBX: offset in the standard format (SDM vol. 1, 13.2). */
		cpuid_read(CPUID_XSTATE, i, reg);
		size = MAX(size, reg[0] + reg[1]);
	}
	return size;
}

/* Panics if a save writes behind x->size. */
static void try_out(const struct xstate *x)
{
	static u8 trial[TRIAL_SIZE] __attribute__((aligned(XSAVE_ALIGN)));
	struct xsave_area *area = (struct xsave_area *)trial;
	u32 end = sizeof(trial);

	if (x->size > sizeof(trial) / 2)
		panic("this CPU's XSAVE state has %u bytes, more than the kernel can try out",
		      x->size);
	memset(trial, TRIAL_PATTERN, sizeof(trial));
	memset(&area->header, 0, sizeof(area->header));
	xstate_cpu_save(area, x->features);
	while (end > x->size && trial[end - 1] == TRIAL_PATTERN)
		end--;
	if (end > x->size)
		panic("XSAVE wrote %u bytes where CPUID and XCR0 (%#lx) tell of %u: this host's "
		      "CPU "
		      "cannot be used",
		      end, xstate_cpu_xcr0(), x->size);
}

void xstate_init(struct xstate *x)
{
	u32 reg[4];

	cpuid_read(CPUID_XSTATE, 0, reg);
	x->features = (reg[0] | (u64)reg[3] << 32) & xstate_cpu_xcr0() & ~XSTATE_AMX;
	x->size = size_of(x->features);
	try_out(x);
}
