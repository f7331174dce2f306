// SPDX-License-Identifier: MIT
/*
 * FPU, SSE and AVX state of programs: the instructions that save and load it (xstate.h: layout).
 *
 * The kernel is compiled without FPU registers, so the state stays in the CPU while a program's
 * thread is in the kernel. It is saved into signal frames, for new threads, for debuggers and core
 * files, and when the vCPU switches to another thread.
 */
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/xstate.h"

#define MXCSR_DEFAULT 0x1f80
#define FCW_DEFAULT   0x37f

static struct xstate xstate;

u64 xstate_cpu_xcr0(void)
{
	u32 lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (u64)hi << 32 | lo;
}

void xstate_cpu_save(struct xsave_area *area, u64 features)
{
	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(area), "a"((u32)features), "d"((u32)(features >> 32))
			 : "memory");
}

void arch_fpu_init(void)
{
	xstate_init(&xstate);
}

void arch_describe_cpu(void)
{
	u32 reg[4];

	cpuid_read(CPUID_HYPERVISOR, 0, reg);
	klog(1,
	     "CPUID is answered by %s; XCR0 is %#lx (%#lx was asked for), of it programs have "
	     "%#lx in %u bytes",
	     boot->cpuid_count					    ? "the guest kernel"
	     : reg[1] == CPUID_NAME_EBX && reg[2] == CPUID_NAME_ECX ? "KVM"
								    : "the host's CPU",
	     xstate_cpu_xcr0(), boot->xcr0, xstate.features, xstate.size);
}

u64 arch_fpu_features(void)
{
	return xstate.features;
}

u32 arch_fpu_size(void)
{
	return xstate.size;
}

void arch_fpu_save(struct xsave_area *area)
{
	/* XSAVE writes only XSTATE_BV of the header; the rest has to be zero for XRSTOR. */
	memset(&area->header, 0, sizeof(area->header));
	xstate_cpu_save(area, xstate.features);
}

static u32 mxcsr_mask(void)
{
	static u32 mask;
	static struct xsave_area image __attribute__((aligned(XSAVE_ALIGN)));

	if (!mask) {
		__asm__ volatile("fxsave64 (%0)" : : "r"(&image) : "memory");
		mask = image.mxcsr_mask ? image.mxcsr_mask : 0xffbf; /* SDM vol. 1, 11.6.6 */
	}
	return mask;
}

void arch_fpu_load(const struct xsave_area *area)
{
	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(area), "a"((u32)xstate.features), "d"((u32)(xstate.features >> 32))
			 : "memory");
}

bool arch_fpu_mxcsr_valid(u32 mxcsr)
{
	return !(mxcsr & ~mxcsr_mask());
}

bool arch_fpu_valid(const struct xsave_area *area)
{
	/* XRSTOR faults for any of these. */
	if (area->header.xstate_bv & ~xstate.features || area->header.xcomp_bv)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(area->header.reserved); i++)
		if (area->header.reserved[i])
			return false;
	return arch_fpu_mxcsr_valid(area->mxcsr);
}

int arch_fpu_restore(const struct xsave_area *area)
{
	if (!arch_fpu_valid(area))
		return -EINVAL;
	arch_fpu_load(area);
	return 0;
}

void arch_fpu_reset(void)
{
	static const struct xsave_area initial __attribute__((aligned(XSAVE_ALIGN))) = {
		.fcw = FCW_DEFAULT,
		.mxcsr = MXCSR_DEFAULT,
	};

	arch_fpu_load(&initial);
}

#define XCR0_OPMASK	(1UL << 5)
#define CPUID7_AVX512BW (1U << 30) /* the instruction that reads all 64 bits */

bool arch_opmasks(u64 mask[8])
{
	u32 reg[4];

	cpuid_read(7, 0, reg);
	if (!(xstate.features & XCR0_OPMASK) || !(reg[1] & CPUID7_AVX512BW))
		return false;
#define READ(n) __asm__ volatile("kmovq %%k" #n ", %0" : "=r"(mask[n]))
	READ(0);
	READ(1);
	READ(2);
	READ(3);
	READ(4);
	READ(5);
	READ(6);
	READ(7);
#undef READ
	return true;
}
