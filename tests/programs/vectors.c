// SPDX-License-Identifier: MIT
/* AVX2 and AVX-512, if the CPU has them, against the same sums computed one by one. */
#include "check.h"
#include <cpuid.h>
#include <immintrin.h>

enum { COUNT = 4096 };

static uint32_t a[COUNT], b[COUNT], out[COUNT], expected[COUNT];
static float x[COUNT], y[COUNT], z[COUNT], wanted[COUNT];

static void prepare(void)
{
	uint32_t state = 1;

	for (int i = 0; i < COUNT; i++) {
		a[i] = state = state * 1664525 + 1013904223;
		b[i] = state = state * 1664525 + 1013904223;
		expected[i] = (a[i] + b[i]) ^ (a[i] >> 3);
		x[i] = (float)(a[i] >> 8);
		y[i] = (float)(b[i] >> 20);
		wanted[i] = x[i] * 2 + y[i]; /* exact: the same fused or not */
	}
	memset(out, 0, sizeof(out));
	memset(z, 0, sizeof(z));
}

static void compare(const char *what)
{
	bool same = memcmp(out, expected, sizeof(out)) == 0 && memcmp(z, wanted, sizeof(z)) == 0;

	printf("  %s: %s\n", what, same ? "as one by one" : "WRONG");
	check_failures += !same;
}

__attribute__((target("avx2,fma"))) static void with_avx2(void)
{
	for (int i = 0; i < COUNT; i += 8) {
		__m256i u = _mm256_loadu_si256((void *)(a + i));
		__m256i v = _mm256_loadu_si256((void *)(b + i));
		__m256 f = _mm256_fmadd_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(2),
					   _mm256_loadu_ps(y + i));

		u = _mm256_xor_si256(_mm256_add_epi32(u, v), _mm256_srli_epi32(u, 3));
		_mm256_storeu_si256((void *)(out + i), u);
		_mm256_storeu_ps(z + i, f);
	}
}

__attribute__((target("avx512f"))) static void with_avx512(void)
{
	for (int i = 0; i < COUNT; i += 16) {
		__m512i u = _mm512_loadu_si512(a + i), v = _mm512_loadu_si512(b + i);
		__m512 f = _mm512_fmadd_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(2),
					   _mm512_loadu_ps(y + i));
		__mmask16 odd = 0xaaaa;

		u = _mm512_xor_si512(_mm512_add_epi32(u, v), _mm512_srli_epi32(u, 3));
		_mm512_mask_storeu_epi32(out + i, odd, u);
		_mm512_mask_storeu_epi32(out + i, (__mmask16)~odd, u);
		_mm512_storeu_ps(z + i, f);
	}
}

CASE(avx2)
{
	prepare();
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
		with_avx2();
		compare("AVX2");
	} else {
		printf("  not on this CPU\n");
	}
}

CASE(avx512)
{
	prepare();
	if (__builtin_cpu_supports("avx512f")) {
		with_avx512();
		compare("AVX-512");
	} else {
		printf("  not on this CPU\n");
	}
}

/* All 32 registers keep their values over system calls and time. */
__attribute__((target("avx512f"))) static void keep_high_registers(void)
{
	uint64_t in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, high[8], low[8], mask;

	__asm__ volatile("vmovdqu64 %3, %%zmm30; vmovdqu64 %3, %%zmm2; kmovw %4, %%k3;"
			 "mov $110, %%eax; syscall;" /* getppid */
			 "mov $24, %%eax; syscall;"  /* sched_yield */
			 "vmovdqu64 %%zmm30, %0; vmovdqu64 %%zmm2, %1; kmovw %%k3, %k2"
			 : "=m"(high), "=m"(low), "=r"(mask)
			 : "m"(in), "r"(0x1234)
			 : "rax", "rcx", "r11", "xmm2", "memory");
	CHECK(memcmp(high, in, sizeof(in)) == 0);
	CHECK(memcmp(low, in, sizeof(in)) == 0);
	CHECK((mask & 0xffff) == 0x1234);
}

/* As the SDM tells programs to do it: the size is in CPUID leaf 0xd. */
CASE(xsave_writes_what_cpuid_says)
{
	enum { ROOM = 1 << 18, PATTERN = 0x5a };
	uint8_t *area = aligned_alloc(64, ROOM);
	unsigned eax, ebx, ecx, edx, end = ROOM;

	NEED(area);
	NEED(__get_cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx) && ebx >= 576 && ebx < ROOM);
	memset(area, PATTERN, ROOM);
	memset(area + 512, 0, 64); /* the header */
	__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	while (end > ebx && area[end - 1] == PATTERN)
		end--;
	CHECK(end == ebx);
	/* What was saved can be loaded again. */
	__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	free(area);
}

CASE(system_calls_keep_vectors)
{
	if (__builtin_cpu_supports("avx512f"))
		keep_high_registers();
	else
		printf("  not on this CPU\n");
}
