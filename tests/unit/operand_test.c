// SPDX-License-Identifier: MIT
// sources: kernel/arch/x86_64/operand.c
/* Where does an instruction store? A watchpoint that is emulated must not miss one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/arch/x86_64/operand.h"

#define RIP 0x401000UL

/* Register n holds n * 0x1000 + 0x100. */
static u64 gpr[16];

static const struct {
	const char *text;
	u8 insn[INSN_MAX];
	u32 len;
	enum operand_store store;
	u64 addr;
} instruction[] = {
	{"mov %eax,(%rdi)", {0x89, 0x07}, 2, OPERAND_AT, 0x7100},
	{"mov %rax,8(%rsp)", {0x48, 0x89, 0x44, 0x24, 0x08}, 5, OPERAND_AT, 0x4108},
	{"mov %r8,(%r9,%r10,4)", {0x4f, 0x89, 0x04, 0x91}, 4, OPERAND_AT, 0x9100 + 4 * 0xa100},
	{"addl $1,0x10(%rip)", {0x83, 0x05, 0x10, 0, 0, 0, 1}, 7, OPERAND_AT, RIP + 7 + 0x10},
	{"movl $1,0x10(%rip)", {0xc7, 0x05, 0x10, 0, 0, 0, 1, 0, 0, 0}, 10, OPERAND_AT, RIP + 26},
	{"movw $1,0x10(%rip)", {0x66, 0xc7, 0x05, 0x10, 0, 0, 0, 1, 0}, 9, OPERAND_AT, RIP + 25},
	{"lock xadd %eax,(%rdi)", {0xf0, 0x0f, 0xc1, 0x07}, 4, OPERAND_AT, 0x7100},
	{"sete (%rdi)", {0x0f, 0x94, 0x07}, 3, OPERAND_AT, 0x7100},
	{"incl -4(%rbp)", {0xff, 0x45, 0xfc}, 3, OPERAND_AT, 0x50fc},
	{"incb -4(%rbp)", {0xfe, 0x45, 0xfc}, 3, OPERAND_AT, 0x50fc},
	{"movaps %xmm0,(%rsi)", {0x0f, 0x29, 0x06}, 3, OPERAND_AT, 0x6100},
	{"vmovdqu %ymm0,(%rdi)", {0xc5, 0xfe, 0x7f, 0x07}, 4, OPERAND_AT, 0x7100},
	{"fstpt (%rdi)", {0xdb, 0x3f}, 2, OPERAND_AT, 0x7100},
	{"mov %eax,%ecx", {0x89, 0xc1}, 2, OPERAND_NONE, 0},
	{"mov (%rdi),%eax", {0x8b, 0x07}, 2, OPERAND_NONE, 0},
	{"add (%rdi),%eax", {0x03, 0x07}, 2, OPERAND_NONE, 0},
	{"jne .+4", {0x75, 0x02}, 2, OPERAND_NONE, 0},
	{"ret", {0xc3}, 1, OPERAND_NONE, 0},
	{"push %rax", {0x50}, 1, OPERAND_AT, 0x4100 - 8},
	{"syscall", {0x0f, 0x05}, 2, OPERAND_NONE, 0},
	{"movzbl (%rdi),%eax", {0x0f, 0xb6, 0x07}, 3, OPERAND_NONE, 0},
	{"call *(%rdi)", {0xff, 0x17}, 2, OPERAND_UNKNOWN, 0},
	{"call .", {0xe8, 0, 0, 0, 0}, 5, OPERAND_AT, 0x4100 - 8},
	{"rep stos", {0xf3, 0xaa}, 2, OPERAND_UNKNOWN, 0},
	{"mov %eax,%fs:0x10", {0x64, 0x89, 0x04, 0x25, 0x10, 0, 0, 0}, 8, OPERAND_UNKNOWN, 0},
	{"vmovups %zmm0,64(%rdi)", {0x62, 0xf1, 0x7c, 0x48, 0x11, 0x47, 1}, 7, OPERAND_UNKNOWN, 0},
	{"xsave (%rdi)", {0x0f, 0xae, 0x27}, 3, OPERAND_UNKNOWN, 0},
	{"nothing that can be read", {0}, 0, OPERAND_UNKNOWN, 0},
};

static void stores_are_found(void **state)
{
	(void)state;
	for (u32 i = 0; i < sizeof(gpr) / sizeof(gpr[0]); i++)
		gpr[i] = i * 0x1000UL + 0x100;
	for (u32 i = 0; i < sizeof(instruction) / sizeof(instruction[0]); i++) {
		u64 addr = 0;

		print_message("%s\n", instruction[i].text);
		assert_int_equal(
			operand_stores(instruction[i].insn, instruction[i].len, RIP, gpr, &addr),
			instruction[i].store);
		if (instruction[i].store == OPERAND_AT)
			assert_int_equal(addr, instruction[i].addr);
	}
}

/* Missing bytes are not read: the sanitizers would see it. */
static void cut_instructions_are_not_trusted(void **state)
{
	(void)state;
	for (u32 i = 0; i < sizeof(instruction) / sizeof(instruction[0]); i++) {
		for (u32 len = 0; len < instruction[i].len; len++) {
			u64 addr = 0;

			operand_stores(instruction[i].insn, len, RIP, gpr, &addr);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores_are_found),
		cmocka_unit_test(cut_instructions_are_not_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
