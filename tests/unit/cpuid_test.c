// SPDX-License-Identifier: MIT
/*
 * Does the kernel answer CPUID as the CPU would: subleaves, leaves behind the last one, the id of
 * the vCPU, each way to encode the instruction? And does it leave every other fault alone?
 *
 * sources: kernel/arch/x86_64/cpuid.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/kernel.h"

#define INTEL 0x756e6547
#define AMD   0x68747541

static struct boot_cpuid table[] = {
	{0, 0, 0, {0xd, INTEL, 2, 3}},
	{1, 0, 0, {10, 0xff0a0b0c, 12, 13}},
	{4, 0, 1, {40, 0, 0, 0}},
	{4, 1, 1, {41, 0, 0, 0}},
	{0xb, 0, 1, {0, 1, 0x100, 77}},
	{0xd, 0, 1, {0x602e7, 11008, 11008, 0}},
	{0xd, 2, 1, {256, 576, 0, 0}},
	{0x40000000, 0, 0, {0x40000000, 5, 6, 7}},
	{0x80000000, 0, 0, {0x80000001, 0, 0, 0}},
	{0x80000001, 0, 0, {81, 0, 0, 0}},
};
static struct boot_info info;
static struct vcpu_data vcpu = {.id = 3};
static const u8 *text; /* the program's bytes at RIP */
static u32 text_size;

const struct boot_info *boot = &info;
u64 physmap_base;

struct vcpu_data *arch_vcpu_data(void)
{
	return &vcpu;
}

u32 arch_needs_user_bytes(u8 *to, u64 va, u32 size)
{
	(void)va;
	memcpy(to, text, MIN(size, text_size));
	return MIN(size, text_size);
}

static u64 noted;

void arch_needs_cpuid_noted(u64 rip)
{
	noted = rip;
}

static int with_table(void **state)
{
	(void)state;
	info.cpuid_gpa = (u64)table;
	info.cpuid_count = ARRAY_SIZE(table);
	table[0].reg[1] = INTEL;
	return 0;
}

static void answers_as_the_cpu_would(void **state)
{
	static const struct {
		u32 leaf, subleaf, reg[4];
	} expected[] = {
		{0, 9, {0xd, INTEL, 2, 3}}, /* no subleaves: ECX does not matter */
		{1, 0, {10, 0x030a0b0c, 12, 13}},
		{2, 0, {0, 0, 0, 0}}, /* A leaf that does not exist, but is below the last one. */
		{4, 1, {41, 0, 0, 0}},
		{4, 2, {0, 0, 0, 0}},
		{0xb, 0, {0, 1, 0x100, 3}},
		{0xb, 0x205, {0, 0, 5, 3}},
		{0xd, 0, {0x602e7, 11008, 11008, 0}},
		{0xd, 2, {256, 576, 0, 0}},
		{0xe, 2, {256, 576, 0, 0}}, /* behind the last: the last one, with this subleaf */
		{0x20000000, 0, {0x602e7, 11008, 11008, 0}},
		{0x40000000, 0, {0x40000000, 5, 6, 7}},
		{0x40000001, 0, {0x602e7, 11008, 11008, 0}},
		{0x80000001, 0, {81, 0, 0, 0}},
		{0x80000002, 2, {256, 576, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		u32 reg[4];

		cpuid_read(expected[i].leaf, expected[i].subleaf, reg);
		assert_memory_equal(reg, expected[i].reg, sizeof(reg));
	}
}

static void amd_answers_unknown_leaves_with_zeros(void **state)
{
	u32 reg[4], zero[4] = {0};

	(void)state;
	table[0].reg[1] = AMD;
	cpuid_read(0xe, 2, reg);
	assert_memory_equal(reg, zero, sizeof(reg));
}

static void finds_the_instruction(void **state)
{
	static const struct {
		u8 byte[15];
		u32 size, length;
	} insn[] = {
		{{0x0f, 0xa2}, 2, 2},
		{{0x0f, 0xa2, 0x90}, 3, 2},
		{{0x66, 0x48, 0x0f, 0xa2}, 4, 4},
		{{0x2e, 0x3e, 0x67, 0xf2, 0xf3, 0x0f, 0xa2}, 7, 7},
		{{0x0f}, 1, 0},
		{{0}, 0, 0},
		{{0x0f, 0xa1}, 2, 0},
		{{0x0f, 0x0b, 0x0f, 0xa2}, 4, 0},
		{{0xf0, 0x0f, 0xa2}, 3, 0}, /* LOCK: an invalid opcode */
		{{0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		  0x66, 0x0f},
		 15,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(insn); i++)
		assert_int_equal(cpuid_length(insn[i].byte, insn[i].size), insn[i].length);
}

static void emulates_only_its_own_fault(void **state)
{
	static const u8 cpuid[] = {0x0f, 0xa2}, other[] = {0x8e, 0xd8},
			prefixed[] = {0x48, 0x0f, 0xa2};
	struct trapframe f = {.rip = 0x1000, .rax = ~0UL << 32 | 4, .rcx = ~0UL << 32 | 1};
	struct trapframe before = f;

	(void)state;
	text = other;
	text_size = sizeof(other);
	assert_false(cpuid_emulate(&f));
	text = cpuid;
	f.error = 0x10;
	assert_false(cpuid_emulate(&f));
	text_size = 1; /* the rest of it is not mapped */
	f.error = 0;
	assert_false(cpuid_emulate(&f));
	assert_memory_equal(&f, &before, sizeof(f));
	text_size = sizeof(cpuid);
	assert_true(cpuid_emulate(&f));
	assert_int_equal(f.rip, 0x1002);
	assert_int_equal(f.rax, 41); /* the upper halves are cleared */
	assert_int_equal(f.rcx, 0);
	assert_int_equal(noted, 0x1000);
	noted = 0;
	text = prefixed; /* such a site is not patched */
	text_size = sizeof(prefixed);
	f.rax = 4;
	f.rcx = 1;
	f.rip = 0x1000;
	assert_true(cpuid_emulate(&f));
	assert_int_equal(noted, 0);
	text = cpuid;
	text_size = sizeof(cpuid);
	info.cpuid_count = 0; /* CPUID does not fault on this host */
	assert_false(cpuid_emulate(&f));
}

/* The stub's frame is that of a system call; it becomes the program's, with the answer. */
static void answers_from_a_stub(void **state)
{
	struct trapframe f = {.rip = 0x1002,
			      .rax = (u64)-ENOSYS,
			      .orig_rax = ~0UL << 32 | 4,
			      .rcx = 1,
			      .r11 = 11,
			      .rflags = RFLAGS_FIXED};
	struct trapframe same = f;

	(void)state;
	f.vector = TRAP_SYSCALL;
	cpuid_by_stub(&f);
	assert_int_equal(f.rax, 41);
	assert_int_equal(f.rcx, 0);
	assert_int_not_equal(f.vector, TRAP_SYSCALL);
	assert_int_equal(f.orig_rax, -1UL);
	same.rax = f.rax;
	same.rbx = f.rbx;
	same.rcx = f.rcx;
	same.rdx = f.rdx;
	same.vector = f.vector;
	same.orig_rax = f.orig_rax;
	assert_memory_equal(&f, &same, sizeof(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(answers_as_the_cpu_would, with_table),
		cmocka_unit_test_setup(amd_answers_unknown_leaves_with_zeros, with_table),
		cmocka_unit_test_setup(finds_the_instruction, with_table),
		cmocka_unit_test_setup(emulates_only_its_own_fault, with_table),
		cmocka_unit_test_setup(answers_from_a_stub, with_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
