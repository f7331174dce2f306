// SPDX-License-Identifier: MIT
/*
 * Is the XSAVE state what CPUID and XCR0 say, and is a CPU that writes more than that found out
 * before it destroys anything? The CPUs are made up after real ones; a save writes what their XCR0
 * and the mask select, as the SDM has it, or more.
 *
 * sources: kernel/arch/x86_64/xstate.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/xstate.h"
#include "kernel/kernel.h"

#define X87_SSE_AVX 0x7UL
#define AVX512	    0xe7UL
#define PKRU	    (1UL << 9)
#define FILL	    0xee

static const struct feature {
	u32 size, offset;
} intel[64] = {[2] = {256, 576}, [5] = {64, 1088},  [6] = {512, 1152},	 [7] = {1024, 1664},
	       [9] = {8, 2688},	 [17] = {64, 2752}, [18] = {8192, 2816}, [40] = {65536, 11008}};

static struct cpu {
	u64 leaf_features; /* CPUID.0xD.0 */
	u64 xcr0;	   /* what the hardware has */
	u32 writes_more;   /* bytes behind the area */
	bool ignores_mask;
} cpu;
static char panic_text[256];
static jmp_buf panicked;

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(panic_text, sizeof(panic_text), fmt, ap);
	va_end(ap);
	longjmp(panicked, 1);
}

void cpuid_read(u32 leaf, u32 subleaf, u32 reg[4])
{
	assert_int_equal(leaf, 0xd);
	memset(reg, 0, 4 * sizeof(*reg));
	if (subleaf == 0) {
		reg[0] = (u32)cpu.leaf_features;
		reg[3] = (u32)(cpu.leaf_features >> 32);
	} else if (subleaf < 64 && cpu.leaf_features & 1UL << subleaf) {
		reg[0] = intel[subleaf].size;
		reg[1] = intel[subleaf].offset;
	}
}

u64 xstate_cpu_xcr0(void)
{
	return cpu.xcr0;
}

void xstate_cpu_save(struct xsave_area *area, u64 features)
{
	u8 *to = (u8 *)area;
	u32 end = sizeof(*area);

	assert_int_equal((uintptr_t)area % XSAVE_ALIGN, 0);
	for (size_t i = 0; i < sizeof(area->header) / 8; i++)
		assert_int_equal(((const u64 *)&area->header)[i], 0);
	memset(to, FILL, sizeof(*area));
	for (unsigned i = 2; i < 63; i++) {
		if (!(cpu.xcr0 & (cpu.ignores_mask ? -1UL : features) & 1UL << i))
			continue;
		memset(to + intel[i].offset, FILL, intel[i].size);
		end = MAX(end, intel[i].offset + intel[i].size);
	}
	memset(to + end, FILL, cpu.writes_more);
}

static struct xstate init(const struct cpu *c)
{
	struct xstate x = {0};

	cpu = *c;
	panic_text[0] = '\0';
	if (!setjmp(panicked))
		xstate_init(&x);
	return x;
}

static void sizes_are_those_of_the_features(void **state)
{
	static const struct {
		const char *name;
		struct cpu cpu;
		u64 features;
		u32 size;
	} table[] = {
		{"SSE only", {.leaf_features = 3, .xcr0 = 3}, 3, 576},
		{"AVX", {.leaf_features = X87_SSE_AVX, .xcr0 = X87_SSE_AVX}, X87_SSE_AVX, 832},
		{"AVX-512", {.leaf_features = AVX512, .xcr0 = AVX512}, AVX512, 2688},
		{"AVX-512 and PKRU",
		 {.leaf_features = AVX512 | PKRU, .xcr0 = AVX512 | PKRU},
		 AVX512 | PKRU,
		 2696},
		{"the VM's CPUID, the host's XCR0 with AMX",
		 {.leaf_features = AVX512, .xcr0 = AVX512 | XSTATE_AMX | PKRU},
		 AVX512,
		 2688},
		{"the host's CPUID and XCR0 with AMX",
		 {.leaf_features = AVX512 | XSTATE_AMX, .xcr0 = AVX512 | XSTATE_AMX},
		 AVX512,
		 2688},
		{"XCR0 with less than CPUID",
		 {.leaf_features = AVX512 | PKRU, .xcr0 = X87_SSE_AVX},
		 X87_SSE_AVX,
		 832},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct xstate x = init(&table[i].cpu);

		if (panic_text[0])
			fail_msg("%s: %s", table[i].name, panic_text);
		if (x.features != table[i].features || x.size != table[i].size)
			fail_msg("%s: features %#lx, %u bytes", table[i].name, x.features, x.size);
	}
}

static void a_cpu_that_writes_more_is_refused(void **state)
{
	static const struct {
		const char *name;
		struct cpu cpu;
		const char *told;
	} table[] = {
		{"one byte",
		 {.leaf_features = AVX512, .xcr0 = AVX512, .writes_more = 1},
		 "XSAVE wrote 2689 bytes where CPUID and XCR0 (0xe7) tell of 2688"},
		{"many bytes",
		 {.leaf_features = 7, .xcr0 = 7, .writes_more = 8192},
		 "XSAVE wrote 9024 bytes where CPUID and XCR0 (0x7) tell of 832"},
		{"AMX in spite of the mask",
		 {.leaf_features = AVX512, .xcr0 = AVX512 | XSTATE_AMX, .ignores_mask = true},
		 "XSAVE wrote 11008 bytes where CPUID and XCR0 (0x600e7) tell of 2688"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		init(&table[i].cpu);
		if (strncmp(panic_text, table[i].told, strlen(table[i].told)))
			fail_msg("%s: '%s'", table[i].name, panic_text);
	}
}

static void a_state_too_large_to_try_is_refused(void **state)
{
	static const struct cpu future = {.leaf_features = 1UL << 40 | 3, .xcr0 = 1UL << 40 | 3};

	(void)state;
	init(&future);
	assert_string_equal(panic_text,
			    "this CPU's XSAVE state has 76544 bytes, more than the kernel "
			    "can try out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_those_of_the_features),
		cmocka_unit_test(a_cpu_that_writes_more_is_refused),
		cmocka_unit_test(a_state_too_large_to_try_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
