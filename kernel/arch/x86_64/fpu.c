/*
 * FPU, SSE and AVX state of programs, in XSAVE's standard format (SDM vol. 1 chapter 13).
 *
 * The kernel is compiled without FPU registers, so the state stays in the CPU while a program is
 * in the kernel; it is saved only into signal frames and for new threads.
 */
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch.h"

#define MXCSR_DEFAULT 0x1f80
#define FCW_DEFAULT   0x37f
#define XSAVE_LEGACY  512

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
	u8 registers[XSAVE_LEGACY - 32];
	struct xsave_header header;
};

u64 arch_fpu_features(void)
{
	u32 lo, hi;

	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (u64)hi << 32 | lo;
}

u32 arch_fpu_size(void)
{
	static u32 size;
	u32 eax = 0xd, ebx, ecx = 0, edx;

	if (!size) {
		__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
		size = ebx;
	}
	return size;
}

void arch_fpu_save(void *area)
{
	struct xsave_area *x = area;

	/* XSAVE writes only XSTATE_BV of the header. */
	memset(&x->header, 0, sizeof(x->header));
	__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
}

static u32 mxcsr_mask(void)
{
	static u32 mask;
	static struct xsave_area image __attribute__((aligned(64)));

	if (!mask) {
		__asm__ volatile("fxsave64 (%0)" : : "r"(&image) : "memory");
		mask = image.mxcsr_mask ? image.mxcsr_mask : 0xffbf; /* SDM 11.6.6 */
	}
	return mask;
}

int arch_fpu_restore(const void *area)
{
	const struct xsave_area *x = area;

	/* What makes XRSTOR fault. */
	if (x->header.xstate_bv & ~arch_fpu_features() || x->header.xcomp_bv)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(x->header.reserved); i++)
		if (x->header.reserved[i])
			return -EINVAL;
	if (x->mxcsr & ~mxcsr_mask())
		return -EINVAL;
	__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	return 0;
}

void arch_fpu_reset(void)
{
	static const struct xsave_area initial __attribute__((aligned(64))) = {
		.fcw = FCW_DEFAULT,
		.mxcsr = MXCSR_DEFAULT,
	};

	__asm__ volatile("xrstor64 (%0)" : : "r"(&initial), "a"(-1), "d"(-1));
}
