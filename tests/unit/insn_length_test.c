// SPDX-License-Identifier: MIT
/*
 * Does the length decoder of the guest kernel agree with Zydis on every instruction of real
 * programs, and with the manuals on what Zydis 4 does not know (APX)? Does it stay inside its
 * input?
 *
 * sources: kernel/arch/x86_64/insn_length.c
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
#include "kernel/arch/x86_64/insn_length.h"

/*
 * Programs whose text is compared. Those that are not installed are left out, but one has to be
 * there.
 */
static const char *const files[] = {
	"/lib/x86_64-linux-gnu/libc.so.6",
	"/lib64/ld-linux-x86-64.so.2",
	"/lib/x86_64-linux-gnu/libm.so.6",
	"/lib/x86_64-linux-musl/libc.so",
	"/usr/lib/x86_64-linux-musl/libc.so",
	"/bin/busybox",
	"/usr/bin/python3",
	"/usr/bin/sqlite3",
	"/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
	"/proc/self/exe",
};

static u64 compared, wrong;

static bool zydis_is_jump(const ZydisDecodedInstruction *i)
{
	return i->meta.category == ZYDIS_CATEGORY_UNCOND_BR && i->mnemonic != ZYDIS_MNEMONIC_XABORT;
}

/*
 * MOV to and from control registers has a ModRM byte, but no memory operand, whatever its mod field
 * is.
 */
static bool zydis_is_rip_relative(const ZydisDecodedInstruction *i)
{
	return (i->attributes & ZYDIS_ATTRIB_HAS_MODRM) && i->raw.modrm.mod == 0 &&
	       i->raw.modrm.rm == 5 &&
	       !(i->opcode_map == ZYDIS_OPCODE_MAP_0F && i->opcode >= 0x20 && i->opcode <= 0x23);
}

/* Zydis takes XABORT's immediate for a branch target. */
static bool zydis_is_relative(const ZydisDecodedInstruction *i)
{
	return i->raw.imm[0].is_relative && i->mnemonic != ZYDIS_MNEMONIC_XABORT;
}

/* Instructions of Knights Corner only, on VEX opcodes that no other CPU has. */
static bool zydis_is_knc(const ZydisDecodedInstruction *i)
{
	switch (i->meta.isa_ext) {
	case ZYDIS_ISA_EXT_KNC:
	case ZYDIS_ISA_EXT_KNCE:
	case ZYDIS_ISA_EXT_KNCV:
		return true;
	default:
		return i->meta.isa_set == ZYDIS_ISA_SET_KNCJKBR ||
		       i->meta.isa_set == ZYDIS_ISA_SET_KNCSTREAM;
	}
}

/* Decodes one instruction at text[0, size). Returns its length, or 1 if Zydis knows none. */
static u32 compare(const ZydisDecoder *decoder, const u8 *text, size_t size, const char *file)
{
	ZydisDecodedInstruction z;
	struct insn i;
	bool ok, branch, relative;

	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, text, size, &z)))
		return 1;
	if (zydis_is_knc(&z))
		return z.length;
	compared++;
	ok = insn_decode(text, (u32)(size < 64 ? size : 64), &i);
	relative = zydis_is_relative(&z);
	branch = i.flow == INSN_BRANCH || i.flow == INSN_JUMP;
	if (!ok || i.length != z.length || i.rip_relative != zydis_is_rip_relative(&z) ||
	    branch != relative || (relative && i.target != (s32)z.raw.imm[0].value.s) ||
	    (zydis_is_jump(&z) && i.flow != INSN_JUMP && i.flow != INSN_STOP)) {
		if (wrong++ < 20) {
			print_message("%s:", file);
			for (u32 n = 0; n < z.length; n++)
				print_message(" %02x", text[n]);
			print_message(": length %d, Zydis %d; flow %d, target %d, rip %d\n",
				      ok ? i.length : 0, z.length, i.flow, i.target,
				      i.rip_relative);
		}
	}
	return z.length;
}

static void sweep(const ZydisDecoder *decoder, const char *file)
{
	int fd = open(file, O_RDONLY);
	Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *section = NULL;

	while (elf && (section = elf_nextscn(elf, section))) {
		GElf_Shdr h;
		Elf_Data *data;

		if (!gelf_getshdr(section, &h) || h.sh_type != SHT_PROGBITS ||
		    !(h.sh_flags & SHF_EXECINSTR))
			continue;
		data = elf_rawdata(section, NULL);
		for (size_t at = 0; data && at < data->d_size;)
			at += compare(decoder, (const u8 *)data->d_buf + at, data->d_size - at,
				      file);
	}
	elf_end(elf);
	if (fd >= 0)
		close(fd);
}

static void texts_of_real_programs(void **state)
{
	ZydisDecoder decoder;

	(void)state;
	elf_version(EV_CURRENT);
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		sweep(&decoder, files[i]);
	print_message("%lu instructions compared\n", (unsigned long)compared);
	assert_true(compared > 100000);
	assert_int_equal(wrong, 0);
}

/* Every opcode of every map with each form of operands, as far as Zydis knows it. */
static void every_opcode(void **state)
{
	static const u8 head[][6] = {
		/* the count, then the bytes before the opcode */
		{0},
		{1, 0x66},
		{1, 0x48},
		{2, 0x66, 0x48},
		{1, 0xf2},
		{1, 0xf3},
		{1, 0x67},
		{1, 0x0f},
		{2, 0x66, 0x0f},
		{2, 0xf2, 0x0f},
		{2, 0xf3, 0x0f},
		{2, 0x0f, 0x38},
		{3, 0x66, 0x0f, 0x38},
		{2, 0x0f, 0x3a},
		{3, 0x66, 0x0f, 0x3a},
		{2, 0xc5, 0xf8},
		{2, 0xc5, 0xf9},
		{3, 0xc4, 0xe2, 0x79},
		{3, 0xc4, 0xe3, 0x79},
		{3, 0xc4, 0xe3, 0xf9},
		{3, 0x8f, 0xe8, 0x78},
		{3, 0x8f, 0xe9, 0x78},
		{3, 0x8f, 0xea, 0x78},
		{4, 0x62, 0xf1, 0x7c, 0x48},
		{4, 0x62, 0xf1, 0x7d, 0x48},
		{4, 0x62, 0xf1, 0xfd, 0x48},
		{4, 0x62, 0xf2, 0x7d, 0x48},
		{4, 0x62, 0xf3, 0x7d, 0x48},
		{4, 0x62, 0xf3, 0xfd, 0x48},
		{4, 0x62, 0xf5, 0x7c, 0x48},
		{4, 0x62, 0xf6, 0x7d, 0x48},
	};
	ZydisDecoder decoder;

	(void)state;
	wrong = 0;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (size_t h = 0; h < sizeof(head) / sizeof(*head); h++)
		for (int op = 0; op < 256; op++)
			for (int modrm = 0; modrm < 256; modrm++) {
				u8 code[32] = {0};
				u8 n = head[h][0];

				memcpy(code, &head[h][1], n);
				code[n] = (u8)op;
				code[n + 1] = (u8)modrm;
				code[n + 2] = 0x25; /* SIB with a displacement, or its first byte */
				code[n + 3] = 0x01;
				compare(&decoder, code, sizeof(code), "opcode");
			}
	assert_int_equal(wrong, 0);
}

/* Lengths by the APX specification 3.1. */
static void apx(void **state)
{
	static const struct {
		u8 length;
		u8 code[16];
		const char *text;
	} table[] = {
		{4, {0xd5, 0x19, 0x89, 0xc0}, "rex2 mov r16, r24"},
		{8, {0xd5, 0x10, 0x81, 0xc0, 1, 2, 3, 4}, "rex2 add r16d, imm32"},
		{11, {0xd5, 0x18, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}, "rex2 mov r16, imm64"},
		{4, {0xd5, 0x80, 0xaf, 0xc1}, "rex2 imul (0f map)"},
		{11, {0xd5, 0x00, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8}, "jmpabs"},
		{6, {0x62, 0xf4, 0x7c, 0x18, 0x01, 0xc3}, "add ndd"},
		{10, {0x62, 0xf4, 0x7c, 0x18, 0x81, 0xc3, 1, 2, 3, 4}, "add ndd, imm32"},
		{8, {0x62, 0xf4, 0x7d, 0x18, 0x81, 0xc3, 1, 2}, "add ndd, imm16"},
		{7, {0x62, 0xf4, 0x7c, 0x18, 0x83, 0xc3, 1}, "add ndd, imm8"},
		{10, {0x62, 0xf4, 0x7c, 0x08, 0x69, 0xc3, 1, 2, 3, 4}, "imul zu, imm32"},
		{7, {0x62, 0xf4, 0x7c, 0x08, 0x6b, 0xc3, 1}, "imul zu, imm8"},
		{7, {0x62, 0xf4, 0x7c, 0x18, 0xc1, 0xe3, 1}, "shl ndd, imm8"},
		{6, {0x62, 0xf4, 0x7c, 0x18, 0xd3, 0xe3}, "shl ndd, cl"},
		{7, {0x62, 0xf4, 0x7c, 0x18, 0x24, 0xc3, 1}, "shld ndd, imm8"},
		{6, {0x62, 0xf4, 0x7c, 0x18, 0xa5, 0xc3}, "shld ndd, cl"},
		{10, {0x62, 0xf4, 0x7c, 0x02, 0xf7, 0xc3, 1, 2, 3, 4}, "ctest, imm32"},
		{7, {0x62, 0xf4, 0x7c, 0x02, 0xf6, 0xc3, 1}, "ctest, imm8"},
		{6, {0x62, 0xf4, 0x7c, 0x02, 0x39, 0xc3}, "ccmp"},
		{7, {0x62, 0xf4, 0x7c, 0x02, 0x83, 0xfb, 1}, "ccmp, imm8"},
		{6, {0x62, 0xf4, 0x74, 0x18, 0xff, 0xf3}, "push2"},
		{6, {0x62, 0xf4, 0x7c, 0x18, 0xf7, 0xd3}, "not ndd"},
		{6, {0x62, 0xf4, 0x7c, 0x18, 0x44, 0xc3}, "cmov ndd"},
		{7, {0x62, 0xf3, 0x7f, 0x08, 0xf0, 0xc3, 1}, "rorx, egpr"},
		{6, {0x62, 0xf2, 0x7c, 0x08, 0xf5, 0xc3}, "bzhi, egpr"},
		{7, {0x62, 0xf4, 0x7c, 0x08, 0xd4, 0xc3, 1}, "sha1rnds4, egpr"},
		{10, {0x62, 0xf7, 0x7f, 0x08, 0xf8, 0xc3, 1, 2, 3, 4}, "urdmsr, imm32"},
		{9, {0xc4, 0xe7, 0x7b, 0xf8, 0xc3, 1, 2, 3, 4}, "urdmsr, imm32 (VEX)"},
		{10, {0x62, 0xfc, 0x7c, 0x08, 0x89, 0x83, 1, 2, 3, 4}, "mov disp32, egpr"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct insn insn;
		bool ok = insn_decode(table[i].code, sizeof(table[i].code), &insn);

		if (!ok || insn.length != table[i].length)
			fail_msg("%s: length %d, not %d", table[i].text, ok ? insn.length : 0,
				 table[i].length);
		/* With one byte less it is no whole instruction. */
		assert_false(insn_decode(table[i].code, table[i].length - 1u, &insn));
	}
}

/* Random bytes in a buffer of exactly their size, so that the sanitizers see a read beyond it. */
static void hostile_bytes(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 200000; i++) {
		u32 size = (u32)rand() % 20;
		u8 *code = malloc(size ? size : 1);
		struct insn insn;

		for (u32 n = 0; n < size; n++)
			code[n] = rand() % 4 ? (u8)rand() : 0x66;
		if (insn_decode(code, size, &insn)) {
			assert_in_range(insn.length, 1, INSN_MAX);
			assert_true(insn.length <= size);
		}
		free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_real_programs),
		cmocka_unit_test(every_opcode),
		cmocka_unit_test(apx),
		cmocka_unit_test(hostile_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
