// SPDX-License-Identifier: MIT
/*
 * Is a SYSCALL replaced only where that is safe, and do the jump and the stub together do what the
 * text did? Small texts have the traps in them; then all sites of real libraries are planned, and
 * each plan is checked against Zydis, which is led through the text from its start.
 *
 * sources: kernel/arch/x86_64/call_site.c kernel/arch/x86_64/insn_length.c
 * libraries: Zydis elf
 */
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <Zydis/Zydis.h>
#include "common/vcpu_area.h"
#include "kernel/arch/x86_64/call_site.h"
#include "kernel/arch/x86_64/insn_length.h"

#define LEAD 512 /* NOPs before a small text */

static u8 text[2 * LEAD + 64];

/* Plans the SYSCALL at offset at of a text of n bytes between NOPs. */
static bool plan(const u8 *code, u32 n, u32 at, struct call_site *s)
{
	memset(text, 0x90, sizeof(text));
	memcpy(text + LEAD, code, n);
	return call_site_plan(text, sizeof(text), LEAD + at, 0, sizeof(text), s);
}

#define PLAN(s, at, ...) plan((const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}), at, s)

#define MOV_EAX		 0xb8, 110, 0, 0, 0 /* mov $110, %eax */
#define SYSCALL		 0x0f, 0x05
#define CMP		 0x48, 0x3d, 1, 0xf0, 0xff, 0xff /* cmp $-4095, %rax */
#define RET		 0xc3

static void forms(void **state)
{
	struct call_site s;

	(void)state;
	assert_true(PLAN(&s, 5, MOV_EAX, SYSCALL, RET));
	assert_int_equal(s.before, 5);
	assert_int_equal(s.size, 7);
	/* One instruction before SYSCALL is preferred to those behind it. */
	assert_true(PLAN(&s, 5, MOV_EAX, SYSCALL, CMP, RET));
	assert_int_equal(s.before, 5);
	/* mov %rdi, %rdi between: the instruction behind SYSCALL is better. */
	assert_true(PLAN(&s, 8, MOV_EAX, 0x48, 0x89, 0xff, SYSCALL, CMP, RET));
	assert_int_equal(s.before, 0);
	assert_int_equal(s.after, 6);
	assert_int_equal(s.size, 8);
	/* Nothing behind SYSCALL can move, so both instructions before it do. */
	assert_true(PLAN(&s, 8, MOV_EAX, 0x48, 0x89, 0xff, SYSCALL, RET));
	assert_int_equal(s.before, 8);
	assert_int_equal(s.size, 10);
}

static void refusals(void **state)
{
	struct call_site s;

	(void)state;
	/* Too little on either side. The NOPs before it may be padding behind another function. */
	assert_false(PLAN(&s, 3, 0x48, 0x89, 0xff, SYSCALL, RET));
	assert_false(PLAN(&s, 2, 0x66, 0x90, SYSCALL, RET));
	/* lea 0(%rip), %rdi cannot move. */
	assert_false(PLAN(&s, 7, 0x48, 0x8d, 0x3d, 0, 0, 0, 0, SYSCALL, RET));
	/* jne before it, call behind it. */
	assert_false(PLAN(&s, 6, 0x0f, 0x85, 0, 1, 0, 0, SYSCALL, 0xe8, 0, 0, 0, 0));
	/* wrgsbase behind takes the kernel's GS away from the stub's end; rdtsc does not. */
	assert_false(PLAN(&s, 2, 0xeb, 0, SYSCALL, 0xf3, 0x48, 0x0f, 0xae, 0xd8, RET));
	assert_false(PLAN(&s, 2, 0xeb, 0, SYSCALL, 0x0f, 0x31, 0x8e, 0xe8, 0x0f, 0x31, RET));
	assert_true(PLAN(&s, 2, 0xeb, 0, SYSCALL, 0x0f, 0x31, 0x89, 0xe8, 0x0f, 0x31, RET));
	/* The caller of rt_sigreturn, in both spellings. */
	assert_false(PLAN(&s, 7, 0x48, 0xc7, 0xc0, 15, 0, 0, 0, SYSCALL, RET));
	assert_false(PLAN(&s, 5, 0xb8, 15, 0, 0, 0, SYSCALL, RET));
	/* endbr64 may be a branch target. */
	assert_false(PLAN(&s, 7, 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x89, 0xff, SYSCALL, RET));
	/* A short branch to SYSCALL from behind it, and a long one from far before it. */
	assert_false(PLAN(&s, 5, MOV_EAX, SYSCALL, 0x75, 0xfc, RET));
	memset(text, 0x90, sizeof(text));
	text[10] = 0xe9;
	memcpy(text + 11, &(s32){LEAD + 5 - 15}, 4);
	memcpy(text + LEAD, (const u8[]){MOV_EAX, SYSCALL, RET}, 8);
	assert_false(call_site_plan(text, sizeof(text), LEAD + 5, 0, sizeof(text), &s));
	/* A branch to the start of the region is allowed. */
	memcpy(text + 11, &(s32){LEAD - 15}, 4);
	assert_true(call_site_plan(text, sizeof(text), LEAD + 5, 0, sizeof(text), &s));
}

/* At a page boundary SYSCALL stays, if the jump fits before it. */
static void page_ends(void **state)
{
	struct call_site s;

	(void)state;
	memset(text, 0x90, sizeof(text));
	memcpy(text + LEAD, (const u8[]){MOV_EAX, 0x48, 0x89, 0xff, SYSCALL, CMP, RET}, 17);
	assert_true(call_site_plan(text, sizeof(text), LEAD + 8, 0, LEAD + 9, &s));
	assert_int_equal(s.before, 8);
	assert_int_equal(s.size, 8);
	assert_true(call_site_plan(text, sizeof(text), LEAD + 8, LEAD + 4, LEAD + 64, &s));
	assert_int_equal(s.after, 6);
	assert_false(call_site_plan(text, sizeof(text), LEAD + 8, LEAD + 4, LEAD + 9, &s));
	/* No plan is made for text whose beginning is too near. */
	assert_false(call_site_plan(text + LEAD, sizeof(text) - LEAD, 8, 0, 64, &s));
}

/* Decodes one instruction with Zydis. Returns its length, or 0 if there is none. */
static u8 zydis(const u8 *code, size_t size, ZydisDecodedInstruction *i,
		ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT])
{
	static ZydisDecoder decoder;
	static bool ready;

	if (!ready)
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ready = true;
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, i, operand)) ? i->length
										      : 0;
}

/* The jump goes through the slot's pointer. A thread at SYSCALL or in the filling faults. */
static void check_jump(const struct call_site *s, u32 slot)
{
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction i;
	u8 jump[64];

	memset(jump, 0xcc, sizeof(jump));
	call_site_jump(s, slot, jump);
	assert_true(zydis(jump, sizeof(jump), &i, operand));
	assert_int_equal(i.mnemonic, ZYDIS_MNEMONIC_JMP);
	assert_true(operand[0].mem.disp.value == (s64)call_site_pointer(slot));
	assert_int_equal(operand[0].mem.base, ZYDIS_REGISTER_NONE);
	assert_int_equal(operand[0].mem.index, ZYDIS_REGISTER_NONE);
	assert_true(i.length <= s->size);
	for (u32 n = i.length; n < s->size; n++)
		assert_false(zydis(jump + n, sizeof(jump) - n, &i, operand));
	/* Before it: the bare instruction does not count as one. */
	if (s->before && s->size > s->before)
		assert_false(zydis(jump + s->before, sizeof(jump) - s->before, &i, operand));
	assert_int_equal(jump[s->size], 0xcc);
}

/* The stub has the moved instructions byte for byte, then its own. */
static void check_stub(const struct call_site *s, u32 slot, const u8 *region)
{
	u64 at = PATCH_IN_BASE + (u64)slot * PATCH_IN_SIZE;
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction i;
	u8 in[PATCH_IN_SIZE], out[PATCH_OUT_SIZE];
	u32 n = s->before;

	call_site_stub_in(s, slot, region, in);
	assert_memory_equal(in, region, s->before);
	n += zydis(in + n, sizeof(in) - n, &i, operand);
	assert_int_equal(i.mnemonic, ZYDIS_MNEMONIC_MOV);
	assert_int_equal(operand[0].reg.value, s->cpuid ? ZYDIS_REGISTER_EDX : ZYDIS_REGISTER_R11D);
	assert_int_equal(operand[1].imm.value.u, slot);
	n += zydis(in + n, sizeof(in) - n, &i, operand);
	assert_int_equal(i.mnemonic, ZYDIS_MNEMONIC_JMP);
	assert_true(at + n + (u64)operand[0].imm.value.s ==
		    PATCH_IN_BASE + (s->cpuid ? PATCH_IN_CPUID : 0));
	assert_true(n <= PATCH_IN_OWN);
	assert_int_equal(zydis(in + PATCH_IN_OWN, SYSCALL_SIZE, &i, operand), SYSCALL_SIZE);
	assert_int_equal(i.mnemonic, s->cpuid ? ZYDIS_MNEMONIC_CPUID : ZYDIS_MNEMONIC_SYSCALL);

	call_site_stub_out(s, region, out);
	assert_memory_equal(out, region + s->before + 2, s->after);
	n = s->after;
	n += zydis(out + n, sizeof(out) - n, &i, operand);
	assert_int_equal(i.mnemonic, ZYDIS_MNEMONIC_JMP);
	assert_int_equal(operand[0].mem.segment, ZYDIS_REGISTER_GS);
	assert_int_equal(operand[0].mem.base, ZYDIS_REGISTER_NONE);
	assert_int_equal(operand[0].mem.index, ZYDIS_REGISTER_NONE);
	assert_int_equal(operand[0].mem.disp.value, VD_STUB_END);
}

static u32 sites, planned, slot = PATCH_IN_SHARED;

/* Finds where every instruction of a section begins, and where direct branches lead. */
static void check_section(const u8 *code, size_t size, u64 address)
{
	u8 *begins = calloc(size + 1, 1), *target = calloc(size + 1, 1);
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction i;

	for (size_t at = 0, n; at < size; at += n ? n : 1) {
		n = zydis(code + at, size - at, &i, operand);
		begins[at] = n != 0;
		if (n && i.raw.imm[0].is_relative && at + n + (u64)i.raw.imm[0].value.s < size)
			target[at + n + (u64)i.raw.imm[0].value.s] = 1;
	}
	for (size_t at = 0; at + 2 < size; at++) {
		size_t low = at > SITE_WINDOW_SIDE ? at - SITE_WINDOW_SIDE : 0;
		size_t high = size - at > SITE_WINDOW_SIDE ? at + SITE_WINDOW_SIDE : size;
		u64 page = (address + at) & ~(u64)PAGE_MASK;
		size_t from = page > address + low ? page - address - low : 0;
		size_t to = page + PAGE_SIZE < address + high ? page + PAGE_SIZE - address - low
							      : high - low;
		struct call_site s;

		if (!begins[at] || code[at] != 0x0f || (code[at + 1] != 5 && code[at + 1] != 0xa2))
			continue;
		sites += code[at + 1] == 5;
		if (!call_site_plan_near(code + low, (u32)(high - low), (u32)(at - low), (u32)from,
					 (u32)to, &s) &&
		    !call_site_plan(code + low, (u32)(high - low), (u32)(at - low), (u32)from,
				    (u32)to, &s))
			continue;
		planned += code[at + 1] == 5;
		assert_int_equal(s.cpuid, code[at + 1] == 0xa2);
		/* The region begins and ends at an instruction, and no branch leads into it. */
		assert_true(begins[at - s.before]);
		assert_true(begins[at + 2 + s.after]);
		assert_true((address + at - s.before) / PAGE_SIZE ==
			    (address + at - s.before + s.size - 1) / PAGE_SIZE);
		for (size_t n = at - s.before + 1; n < at - s.before + s.size; n++)
			assert_false(target[n]);
		slot = slot + 1 < PATCH_SLOTS ? slot + 1 : PATCH_IN_SHARED;
		check_jump(&s, slot);
		check_stub(&s, slot, code + at - s.before);
	}
	free(begins);
	free(target);
}

static void check_file(const char *file)
{
	int fd = open(file, O_RDONLY);
	Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *section = NULL;

	while (elf && (section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Shdr h;

		if (!gelf_getshdr(section, &h) || h.sh_type != SHT_PROGBITS ||
		    !(h.sh_flags & SHF_EXECINSTR))
			continue;
		data = elf_rawdata(section, NULL);
		if (data)
			check_section(data->d_buf, data->d_size, h.sh_addr);
	}
	elf_end(elf);
	if (fd >= 0)
		close(fd);
}

static void sites_of_real_libraries(void **state)
{
	static const char *const files[] = {"/lib/x86_64-linux-gnu/libc.so.6",
					    "/lib64/ld-linux-x86-64.so.2",
					    "/usr/lib/x86_64-linux-musl/libc.so", "/bin/busybox"};

	(void)state;
	elf_version(EV_CURRENT);
	for (size_t n = 0; n < sizeof(files) / sizeof(*files); n++) {
		u32 sites_before = sites, planned_before = planned;

		check_file(files[n]);
		print_message("%s: %u of %u sites\n", files[n], planned - planned_before,
			      sites - sites_before);
	}
	assert_true(sites >= 300);
	assert_true(planned * 100 >= sites * 90);
}

/* Slots of every bank have a pointer whose third byte is 06, and none shares its pointer. */
static void pointers(void **state)
{
	(void)state;
	for (u32 n = 0; n < PATCH_SLOTS; n++) {
		assert_int_equal(call_site_pointer(n) >> 16 & 0xff, 6);
		assert_true(call_site_pointer(n) >= 0xffffffff80000000);
		if (n)
			assert_true(call_site_pointer(n) >= call_site_pointer(n - 1) + 8);
	}
	assert_true(call_site_pointer(PATCH_SLOTS - 1) < PATCH_IN_BASE);
}

/* Random text: no plan reaches beyond what it may change, and nothing behind the end is read. */
static void hostile_text(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 3000; round++) {
		u32 size = 2 + (u32)rand() % 700, at = (u32)rand() % (size - 1);
		u8 *code = malloc(size);
		struct call_site s;

		for (u32 n = 0; n < size; n++)
			code[n] = rand() % 3 ? 0x90 : (u8)rand();
		code[at] = 0x0f;
		code[at + 1] = 5;
		if (call_site_plan(code, size, at, 0, size, &s)) {
			assert_true(s.before <= SITE_BEFORE_MAX && s.after <= SITE_AFTER_MAX);
			assert_true(at >= s.before && at - s.before + s.size <= size);
			assert_true(at + 2 + s.after <= size);
		}
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),     cmocka_unit_test(refusals),
		cmocka_unit_test(page_ends), cmocka_unit_test(sites_of_real_libraries),
		cmocka_unit_test(pointers),  cmocka_unit_test(hostile_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
